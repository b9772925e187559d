// Grid of faces: a click opens a face, or selects it.

function draw({ data, parentElement, setTriggerValue, setStateValue }) {
  const grid = parentElement.querySelector(".grid")
  // An answer that only repeats the selection comes late: drawing it would undo later clicks and lose the focus.
  const drawn = JSON.stringify({ ...data, chosen: null })
  if (grid.drawn === drawn) return
  grid.drawn = drawn
  grid.style.setProperty("--least", data.least + "px")
  const chosen = new Set(data.chosen)
  grid.replaceChildren(...data.faces.map((face) => {
    const button = document.createElement("button")
    button.style.setProperty("--c", face.colour)
    button.dataset.face = face.id
    const image = document.createElement("img")
    image.src = face.src
    image.alt = "face, " + [face.label, ...face.notes].join(", ")
    const text = document.createElement("span")
    text.textContent = face.title
    for (const note of face.notes) {
      const line = document.createElement("small")
      line.textContent = note
      text.append(line)
    }
    button.append(image, text)
    if (data.selecting) button.setAttribute("aria-pressed", chosen.has(face.id))
    button.onclick = () => {
      if (!data.selecting) return setTriggerValue("opened", face.id)
      chosen.has(face.id) ? chosen.delete(face.id) : chosen.add(face.id)
      button.setAttribute("aria-pressed", chosen.has(face.id))
      setStateValue("chosen", [...chosen])
    }
    return button
  }))
}
