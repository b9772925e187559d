// What is known about faces over time, as fer_core/video and fer_core/live keep it: numbers that stay with a face,
// smoothed answers, the last minute, and the calibration to a neutral face. Times are in seconds.

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
  face.box = box
  face.time = time
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

const HISTORY = 60
const STEP = 0.2 // between two points
const MAX_FACES = 12

// The last minute of each face, for the chart and the table.
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

const CALIBRATION = 3
const LEAST = 1e-3 // smaller probabilities are clipped, since their logarithms would dominate the mean
const LIMIT = Math.log(20) // a probability is multiplied or divided by at most 20
const MIN_SHARE = 0.5 // of the seconds in which the face must have been in view
const GAP = 1 // a longer pause between two frames was not in view
const GONE = 2 // after which a single face in view counts as the calibrated person

// Removes from the answers what a model sees in a person's face at rest; fer_core/live/neutral.py gives the method.
export class Calibrator {
  // `usual` are the model's mean log probabilities for neutral faces.
  constructor(usual) {
    this.usual = usual
    this.forget()
  }

  begin(now) {
    this.forget()
    this.ends = now + CALIBRATION
  }

  forget() {
    Object.assign(this, { ends: null, looks: [], face: null, shift: null, seen: 0, inView: 0, problem: null })
  }

  // `faces` are the probabilities by number; `largest` is the number of the largest face or undefined.
  update(now, faces, largest) {
    const single = faces.size === 1
    if (this.ends !== null) {
      if (this.face === null || (!faces.has(this.face) && single)) [this.face, this.seen] = [largest ?? null, now]
      if (faces.has(this.face)) {
        this.looks.push(faces.get(this.face).map((p) => Math.log(Math.max(p, LEAST))))
        this.inView += Math.min(now - this.seen, GAP)
        this.seen = now
      }
      if (now >= this.ends) this.finish()
    } else if (faces.has(this.face)) this.seen = now
    else if (this.shift && single && now > this.seen + GONE) [this.face, this.seen] = [[...faces.keys()][0], now]
  }

  finish() {
    this.ends = null
    if (this.inView < MIN_SHARE * CALIBRATION) {
      this.face = null
      this.problem = `The face was in view for only ${this.inView.toFixed(1)} of ${CALIBRATION} seconds: look into the camera and try again.`
    } else {
      const share = this.inView / (this.inView + 1)
      this.shift = this.usual.map((usual, i) => {
        const mean = this.looks.reduce((sum, look) => sum + look[i], 0) / this.looks.length
        return Math.max(-LIMIT, Math.min(LIMIT, share * (mean - usual)))
      })
    }
    this.looks = []
  }

  corrected(number, probabilities) {
    if (!this.shift || number !== this.face) return probabilities
    const moved = probabilities.map((p, i) => Math.exp(Math.log(Math.max(p, 1e-12)) - this.shift[i]))
    const sum = moved.reduce((a, b) => a + b)
    return moved.map((p) => p / sum)
  }
}
