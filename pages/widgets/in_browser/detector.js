// Finds faces with YuNet (fer_core/browser/yunet.py), as fer_core/live/session.py does on the server: each frame
// resized to a longer side of 336 pixels, a border around small frames, and a second, lighter look at dark ones.
import { Network } from "./network.js"
import { even, resized } from "./pixels.js"

const SEARCH_SIDE = 336
const LEAST_SIDE = 160 // smaller pictures are enlarged
const LEAST_SCORE = 0.6
const OVERLAP = 0.3 // of two finds of the same face: intersection over union
const DARK = 45
const LIGHTER = 90
const STRIDES = [8, 16, 32]
const CHANNELS = 16 // of a level: class, presence, box, five landmarks

export class Detector {
  constructor(engine, plan) {
    this.engine = engine
    this.plan = plan
    this.networks = new Map() // by size, of which a camera has few
  }

  // Returns [{box: [x, y, width, height], score, landmarks: [[x, y] x 5]}] in pixels of the frame, the largest first.
  // The frame is {data, width, height} with four bytes a pixel; a longer side than `side` is shrunk to it.
  detect(frame, side = SEARCH_SIDE) {
    const scale = Math.max(1, Math.max(frame.width, frame.height) / side)
    const small = scale > 1 ? resized(frame, even(frame.width / scale), even(frame.height / scale)) : frame
    let faces = this.look(small)
    if (!faces.length && mean(sampled(small)) < DARK) faces = this.look(lighter(small))
    const [across, down] = [frame.width / small.width, frame.height / small.height]
    return faces.map((face) => moved(face, 0, across, down)).sort((a, b) => b.box[2] * b.box[3] - a.box[2] * a.box[3])
  }

  look(picture) {
    const enlarged = Math.max(1, LEAST_SIDE / Math.max(picture.width, picture.height))
    const frame = enlarged > 1 ? resized(picture, even(picture.width * enlarged), even(picture.height * enlarged)) : picture
    const longest = Math.max(frame.width, frame.height)
    const edge = longest <= 2 * LEAST_SIDE ? even(longest / 8) : 0
    const network = this.network(frame.width + 2 * edge, frame.height + 2 * edge)
    this.put(network, frame, edge)
    network.run()
    return distinct(this.read(network)).map((face) => moved(face, edge, 1 / enlarged, 1 / enlarged))
  }

  network(width, height) {
    const [wide, high] = [width, height].map((n) => Math.ceil(Math.max(64, n) / 32) * 32)
    const key = `${wide}x${high}`
    if (!this.networks.has(key)) this.networks.set(key, new Network(this.engine, this.plan, [1, high, wide, 3]))
    return this.networks.get(key)
  }

  // Writes the frame as blue, green, red, with its edge repeated `edge` times and zeros beyond.
  put(network, { data, width, height }, edge) {
    const { shape: [, , wide] } = network.tensors[this.plan.input]
    const input = network.floats(this.plan.input)
    for (let r = -edge; r < height + edge; r++) {
      const row = Math.min(height - 1, Math.max(0, r)) * width
      let to = 3 * (r + edge) * wide
      for (let c = -edge; c < width + edge; c++) {
        const from = 4 * (row + Math.min(width - 1, Math.max(0, c)))
        input[to++] = data[from + 2]
        input[to++] = data[from + 1]
        input[to++] = data[from]
      }
    }
  }

  read(network) {
    const found = []
    STRIDES.forEach((stride, level) => {
      const name = `level_${level}`
      const values = network.floats(name)
      const [, rows, columns] = network.tensors[name].shape
      for (let r = 0, i = 0; r < rows; r++) for (let c = 0; c < columns; c++, i += CHANNELS) {
        const score = Math.sqrt(sigmoid(values[i]) * sigmoid(values[i + 1]))
        if (score < LEAST_SCORE) continue
        const [width, height] = [Math.exp(values[i + 4]) * stride, Math.exp(values[i + 5]) * stride]
        const box = [(c + values[i + 2]) * stride - width / 2, (r + values[i + 3]) * stride - height / 2, width, height]
        const landmarks = Array.from({ length: 5 }, (_, k) => [(c + values[i + 6 + 2 * k]) * stride, (r + values[i + 7 + 2 * k]) * stride])
        found.push({ box, score, landmarks })
      }
    })
    return found
  }
}

const sigmoid = (v) => 1 / (1 + Math.exp(-v))

// Takes a face from a view with an edge to the picture, in which it is so many times as wide and high.
const moved = ({ box: [x, y, w, h], score, landmarks }, edge, across, down) => ({
  box: [(x - edge) * across, (y - edge) * down, w * across, h * down],
  score,
  landmarks: landmarks.map(([u, v]) => [(u - edge) * across, (v - edge) * down]),
})

// Of several finds of one face the best stays. OpenCV compares boxes of whole pixels.
function distinct(found) {
  const kept = []
  for (const face of found.sort((a, b) => b.score - a.score)) {
    if (kept.every((other) => sharedArea(other.box, face.box) <= OVERLAP)) kept.push(face)
  }
  return kept
}

function sharedArea(a, b) {
  const [ax, ay, aw, ah] = a.map(Math.trunc)
  const [bx, by, bw, bh] = b.map(Math.trunc)
  const across = Math.min(ax + aw, bx + bw) - Math.max(ax, bx)
  const down = Math.min(ay + ah, by + bh) - Math.max(ay, by)
  const both = Math.max(0, across) * Math.max(0, down)
  return both / (aw * ah + bw * bh - both)
}

// Every eighth pixel in each direction.
function sampled({ data, width, height }) {
  const values = []
  for (let r = 0; r < height; r += 8) for (let c = 0; c < width; c += 8) for (let k = 0; k < 3; k++) values.push(data[4 * (r * width + c) + k])
  return values
}

const mean = (values) => values.reduce((a, b) => a + b) / values.length

// Brightens a dark frame by a power curve, and smooths it since noise gets lighter too.
function lighter(frame) {
  const sample = sampled(frame).sort((a, b) => a - b)
  const place = 0.99 * (sample.length - 1)
  const low = Math.floor(place)
  const white = Math.max(1, sample[low] + (place - low) * ((sample[low + 1] ?? sample[low]) - sample[low]))
  const share = Math.min(0.99, Math.max(1e-3, mean(sample) / white))
  const power = Math.min(1, Math.log(LIGHTER / 255) / Math.log(share))
  const shades = Uint8Array.from({ length: 256 }, (_, i) => 255 * Math.min(1, i / white) ** power)
  const { data, width, height } = frame
  return { data: blurred(data.map((value) => shades[value]), width, height), width, height }
}

// A Gaussian of 5x5 pixels (1 4 6 4 1 in each direction); beyond the edge the picture is reflected.
function blurred(data, width, height) {
  const mirrored = (i, length) => (i < 0 ? -i : i >= length ? 2 * length - 2 - i : i)
  const weights = [1, 4, 6, 4, 1]
  const pass = (from, to, stepLength, length, others, otherStep) => {
    for (let o = 0; o < others; o++) for (let i = 0; i < length; i++) for (let k = 0; k < 3; k++) {
      let sum = 0
      for (let j = 0; j < 5; j++) sum += weights[j] * from[o * otherStep + Math.min(length - 1, Math.max(0, mirrored(i + j - 2, length))) * stepLength + k]
      to[o * otherStep + i * stepLength + k] = sum
    }
  }
  const across = new Float64Array(data.length)
  const both = new Float64Array(data.length)
  pass(data, across, 4, width, height, 4 * width)
  pass(across, both, 4 * width, height, width, 4)
  return Uint8ClampedArray.from(both, (v) => Math.floor(v / 256 + 0.5))
}
