// Face whose covers (mask, sunglasses) are dragged by pointer or moved by the arrow keys.

const STEP = 1 / 48, PAUSE = 220

function draw({ data, parentElement, setStateValue }) {
  const stage = parentElement.querySelector(".stage")
  const head = stage.querySelector(".head"), face = stage.querySelector("img")
  const clip = (value) => Math.min(1, Math.max(0, value))
  const place = (cover) => {
    cover.style.left = 100 * cover.at[0] + "%"
    cover.style.top = 100 * cover.at[1] + "%"
  }
  const lift = () => { stage.classList.add("moving"); face.src = stage.data.bare }
  const send = () => {
    stage.moves += 1
    setStateValue("places", { moves: stage.moves, at: Object.fromEntries([...head.children].map((c) => [c.dataset.kind, c.at])) })
  }

  stage.data = data
  if (stage.held) return  // data that come while a cover is dragged are drawn when it is released
  if (stage.moves > data.moves) return  // an answer to an earlier move: it would put the cover back
  stage.moves = data.moves
  stage.classList.remove("moving")
  face.src = data.seen
  face.alt = data.alt
  head.style.transform = "rotate(" + -data.rotation + "deg)"
  const kinds = data.covers.map((cover) => cover.kind)
  for (const old of [...head.children]) if (!kinds.includes(old.dataset.kind)) old.remove()
  for (const [layer, given] of data.covers.entries()) {
    let cover = head.querySelector("[data-kind=" + given.kind + "]")
    if (!cover) {
      cover = document.createElement("div")
      cover.className = "cover"
      cover.dataset.kind = given.kind
      cover.tabIndex = 0
      cover.setAttribute("role", "button")
      cover.setAttribute("aria-label", given.kind + ": drag it, or move it with the arrow keys")
      const image = document.createElement("img")
      image.src = given.src
      image.alt = ""
      cover.append(image)
      head.append(cover)
      listen(cover)
    }
    cover.at = given.at
    cover.style.zIndex = layer  // in the order in which they are drawn
    cover.style.width = 100 * given.width + "%"
    cover.style.transform = "translate(-50%,-50%) rotate(" + -given.tilt + "deg)"
    place(cover)
  }

  function listen(cover) {
    let from = null, timer = null
    cover.onpointerdown = (event) => {
      event.preventDefault()
      cover.focus()
      cover.setPointerCapture(event.pointerId)
      from = { x: event.clientX, y: event.clientY, at: cover.at }
      stage.held = true
      lift()
    }
    cover.onpointermove = (event) => {
      if (!from) return
      const side = stage.clientWidth, angle = stage.data.rotation * Math.PI / 180
      const x = (event.clientX - from.x) / side, y = (event.clientY - from.y) / side
      // The head is rotated: convert the movement on the screen to the axes of the head.
      const across = x * Math.cos(angle) - y * Math.sin(angle), down = x * Math.sin(angle) + y * Math.cos(angle)
      cover.at = [clip(from.at[0] + across), clip(from.at[1] + down)]
      place(cover)
    }
    cover.onpointerup = cover.onpointercancel = () => {
      if (!from) return
      const moved = cover.at[0] !== from.at[0] || cover.at[1] !== from.at[1]
      from = null
      stage.held = false
      if (moved) return send()
      stage.classList.remove("moving")
      face.src = stage.data.seen
    }
    cover.onkeydown = (event) => {
      const step = STEP * (event.shiftKey ? 4 : 1)
      const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key]
      if (!move) return
      event.preventDefault()
      event.stopPropagation()
      lift()
      cover.at = [clip(cover.at[0] + move[0]), clip(cover.at[1] + move[1])]
      place(cover)
      stage.held = true
      clearTimeout(timer)
      timer = setTimeout(() => { stage.held = false; send() }, PAUSE)
    }
  }
}
