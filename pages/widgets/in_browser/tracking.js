// Numbers that stay with a face, and smoothed answers, as fer_core/video and fer_core/live keep them. Times are in
// seconds.

const MAX_GAP = 2 // out of sight, after which a face gets a new number
const REACH = 1 // search radius around the expected position, in face sizes
const MAX_GROWTH = 2 // of a face's side from one sight to the next
const VELOCITY_SHARE = 0.5 // weight of the newest step in the average
const MOVES_ON = 0.5 // after which the position of a lost face is no longer extrapolated

const middle = ([x, y, w, h]) => [x + w / 2, y + h / 2]
const side = ([, , w, h]) => Math.sqrt(Math.max(1, w * h))

// Numbers the faces of successive frames (after SORT, Bewley et al. 2016, doi:10.1109/ICIP.2016.7533003). With the few
// faces of a webcam the cheapest pair first is as good as the Hungarian method.
export class Tracker {
  constructor() {
    this.faces = []
    this.count = 0
  }

  // Returns the number of each box [x, y, width, height], in shares of any length.
  update(time, boxes) {
    this.faces = this.faces.filter((face) => time - face.time <= MAX_GAP)
    const pairs = []
    this.faces.forEach((face, i) => boxes.forEach((box, j) => {
      const cost = pairCost(moved(face, time), box)
      if (cost !== null) pairs.push([cost, i, j])
    }))
    const numbers = boxes.map(() => 0)
    const taken = new Set()
    for (const [, i, j] of pairs.sort((a, b) => a[0] - b[0])) {
      if (taken.has(i) || numbers[j]) continue
      taken.add(i)
      numbers[j] = this.faces[i].number
      sight(this.faces[i], boxes[j], time)
    }
    boxes.forEach((box, j) => {
      if (numbers[j]) return
      numbers[j] = ++this.count
      this.faces.push({ number: numbers[j], box, time, velocity: [0, 0] })
    })
    return numbers
  }
}

function moved({ box: [x, y, w, h], velocity, time: seen }, time) {
  const seconds = Math.min(time - seen, MOVES_ON)
  return [x + velocity[0] * seconds, y + velocity[1] * seconds, w, h]
}

function sight(face, box, time) {
  if (time > face.time) {
    const [before, now] = [middle(face.box), middle(box)]
    face.velocity = face.velocity.map((v, i) => v + VELOCITY_SHARE * ((now[i] - before[i]) / (time - face.time) - v))
  }
  Object.assign(face, { box, time })
}

// Returns what it costs to take two boxes for the same face, or null if they cannot be.
function pairCost(expected, seen) {
  const [a, b] = [side(expected), side(seen)]
  const [[ax, ay], [bx, by]] = [middle(expected), middle(seen)]
  const apart = Math.hypot(ax - bx, ay - by) / ((a + b) / 2)
  const growth = Math.max(a / b, b / a)
  if (apart > REACH || growth > MAX_GROWTH) return null
  const across = Math.min(expected[0] + expected[2], seen[0] + seen[2]) - Math.max(expected[0], seen[0])
  const down = Math.min(expected[1] + expected[3], seen[1] + seen[3]) - Math.max(expected[1], seen[1])
  const common = Math.max(0, across) * Math.max(0, down)
  const overlap = common / (expected[2] * expected[3] + seen[2] * seen[3] - common)
  return 1 - overlap + apart + Math.log2(growth) / 2
}

// Exponential smoothing with a time constant; 0 smooths nothing.
export class Smoother {
  constructor() {
    this.states = new Map()
  }

  update(number, time, values, seconds) {
    const before = this.states.get(number)
    const share = before && seconds > 0 ? 1 - Math.exp(-Math.max(0, time - before.time) / seconds) : 1
    const smoothed = before ? values.map((v, i) => before.values[i] + share * (v - before.values[i])) : values
    this.states.set(number, { time, values: smoothed })
    return smoothed
  }

  keep(numbers) {
    for (const number of this.states.keys()) if (!numbers.includes(number)) this.states.delete(number)
  }
}
