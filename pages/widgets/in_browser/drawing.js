// What is drawn: boxes and labels over the video, bars, and the lines of the last minute.
const UNSURE = "#8C8C8C"
const LINE_GAP = 1.5 // seconds without a point after which a line is interrupted
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [600, 190, 44, 22]

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

// Returns the last minute of a face as SVG: a minute ago on the left, now on the right.
export function historyLines(points, now, { colours }) {
  const x = (ago) => (LEFT + (WIDTH - LEFT) * (1 - ago / 60)).toFixed(1)
  const y = (share) => (4 + (HEIGHT - BOTTOM - 8) * (1 - share)).toFixed(1)
  const grid = [0, 0.5, 1].map((share) => `<line x1="${LEFT}" x2="${WIDTH}" y1="${y(share)}" y2="${y(share)}" stroke="${UNSURE}" stroke-opacity=".35"/>
    <text x="${LEFT - 6}" y="${Number(y(share)) + 4}" text-anchor="end">${percent(share)}</text>`)
  const times = [60, 40, 20, 0].map((ago) => `<text x="${x(ago)}" y="${HEIGHT - 4}" text-anchor="${{ 60: "start", 0: "end" }[ago] ?? "middle"}">${ago ? `${ago} s ago` : "now"}</text>`)
  const lines = colours.map((colour, i) => {
    const path = points.map(({ time, probabilities }, j) => `${j && time - points[j - 1].time <= LINE_GAP ? "L" : "M"}${x(now - time)} ${y(probabilities[i])}`)
    return `<path d="${path.join("")}" fill="none" stroke="${colour}" stroke-width="2.2"/>`
  })
  return [...grid, ...times, ...lines].join("")
}
