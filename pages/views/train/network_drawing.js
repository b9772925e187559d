// Drawing of a network: a box for each block, as high as its map and as deep as its channels.

const SVG = "http://www.w3.org/2000/svg"
const HEIGHT = 88  // pixels

function body({ height, depth, flat }) {
  const lean = flat ? 4 : 0.3 * height
  const [right, top, bottom] = [depth + lean, (HEIGHT - height - lean) / 2, (HEIGHT + height + lean) / 2]
  const front = top + lean
  const faces = {
    front: [[0, front], [depth, front], [depth, bottom], [0, bottom]],
    top: [[0, front], [lean, top], [right, top], [depth, front]],
    side: [[depth, front], [right, top], [right, bottom - lean], [depth, bottom]],
  }
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", `-1 0 ${right + 2} ${HEIGHT}`)
  svg.setAttribute("width", right + 2)
  svg.setAttribute("height", HEIGHT)
  svg.setAttribute("aria-hidden", "true")
  for (const [name, points] of Object.entries(faces)) {
    const face = document.createElementNS(SVG, "polygon")
    face.setAttribute("points", points.map((point) => point.join()).join(" "))
    face.setAttribute("class", name)
    svg.append(face)
  }
  return svg
}

function draw({ data, parentElement, setTriggerValue }) {
  const network = parentElement.querySelector(".network")
  const focused = network.getRootNode().activeElement?.dataset.position
  network.replaceChildren(...data.cells.map((cell) => {
    const clickable = data.clickable && cell.position !== undefined
    const box = document.createElement(clickable ? "button" : "div")
    box.className = "cell"
    box.dataset.colour = cell.wrong ? "red" : cell.colour
    const [title, shape] = ["b", "small"].map((tag) => document.createElement(tag))
    title.textContent = cell.title
    shape.textContent = cell.shape
    box.append(body(cell), title, shape)
    if (clickable) {
      box.dataset.position = cell.position
      box.setAttribute("aria-pressed", cell.position === data.selected)
      box.onclick = () => setTriggerValue("clicked", cell.position)
    }
    return box
  }))
  if (focused !== undefined) network.querySelector(`[data-position="${focused}"]`)?.focus()
}
