// The last minute of each face: kept and drawn. Times are in seconds.
import { percent, UNSURE } from "./drawing.js"

const HISTORY = 60
const STEP = 0.2 // between two points
const MAX_FACES = 12
const LINE_GAP = 1.5 // without a point, after which a line is interrupted
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [600, 190, 44, 22]

export class Histories {
  constructor() {
    this.points = new Map()
  }

  add(time, number, probabilities) {
    if (!this.points.has(number)) this.points.set(number, [])
    const points = this.points.get(number)
    if (!points.length || time - points[points.length - 1].time >= STEP) points.push({ time, probabilities })
  }

  prune(now) {
    for (const [number, points] of this.points) {
      while (points.length && points[0].time < now - HISTORY) points.shift()
      if (!points.length) this.points.delete(number)
    }
    const last = (number) => this.points.get(number).at(-1).time
    const oldest = [...this.points.keys()].sort((a, b) => last(a) - last(b)).slice(0, -MAX_FACES)
    for (const number of oldest) this.points.delete(number)
  }
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
