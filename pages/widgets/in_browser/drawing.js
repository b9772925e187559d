// What is drawn: boxes and labels over the video, and bars.
export const UNSURE = "#8C8C8C"

export const percent = (share) => `${Math.round(100 * share)}%`

export function answer({ probabilities }, { labels, emoji, unsureBelow }) {
  if (!probabilities) return ""
  const best = probabilities.indexOf(Math.max(...probabilities))
  if (probabilities[best] < unsureBelow) return "unsure"
  return `${emoji[best]} ${labels[best]} ${percent(probabilities[best])}`
}

// Draws the marks of faces that lie in pixels of a frame of this size.
export function drawMarks(canvas, faces, { width, height }, settings) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  const context = canvas.getContext("2d")
  context.clearRect(0, 0, width, height)
  const shortest = Math.min(width, height)
  const line = Math.max(2, Math.round(shortest / 200))
  context.font = `${Math.max(12, Math.round(shortest / 26))}px sans-serif`
  context.textBaseline = "top"
  for (const face of faces) {
    const [x, y, w, h] = face.box
    const left = settings.mirror ? width - x - w : x
    const text = answer(face, settings)
    const best = face.probabilities?.indexOf(Math.max(...face.probabilities))
    const colour = !text || text === "unsure" ? UNSURE : settings.colours[best]
    for (const [style, wide] of [["#000000", line + 2], [colour, line]]) {
      Object.assign(context, { strokeStyle: style, lineWidth: wide })
      context.strokeRect(left, y, w, h)
    }
    const label = text ? `${face.number}: ${text}` : `${face.number}`
    const wide = context.measureText(label).width + 2 * line + 4
    const high = parseFloat(context.font) + 2 * line + 2
    const from = Math.max(0, Math.min(left, width - wide))
    const top = y - high >= 0 ? y - high : Math.min(y + h, height - high)
    context.fillStyle = colour
    context.fillRect(from, top, wide, high)
    context.fillStyle = "#000000"
    context.fillText(label, from + line + 2, top + line + 1)
  }
}

// Sets the bars of a face, one for each class.
export function drawBars(element, probabilities, { labels, colours }) {
  while (element.children.length < labels.length) element.append(bar())
  while (element.children.length > labels.length) element.lastChild.remove()
  labels.forEach((label, i) => {
    const [name, track, value] = element.children[i].children
    name.textContent = label
    value.textContent = percent(probabilities[i])
    Object.assign(track.firstChild.style, { width: `${100 * probabilities[i]}%`, background: colours[i] })
  })
}

function bar() {
  const row = document.createElement("div")
  row.append(...["span", "div", "span"].map((kind) => document.createElement(kind)))
  row.children[1].append(document.createElement("div"))
  return row
}
