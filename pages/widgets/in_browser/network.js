// Runs the plan of a network (fer_core/browser/plan.py) for one shape of input. Tensors are (n, height, width,
// channels) or (n, channels), of 32-bit floats in the memory of an Engine.

const ACTIVATIONS = { none: [-Infinity, Infinity], relu: [0, Infinity], relu6: [0, 6] }
const BINARY = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  squared_difference: (a, b) => (a - b) * (a - b),
  maximum: Math.max,
  minimum: Math.min,
}
const UNARY = {
  negate: () => (v) => -v,
  inverse_root: () => (v) => 1 / Math.sqrt(v),
  relu: () => (v) => Math.max(0, v),
  relu6: () => (v) => Math.min(6, Math.max(0, v)),
  leaky_relu: (alpha) => (v) => (v < 0 ? alpha * v : v),
  elu: () => (v) => (v < 0 ? Math.expm1(v) : v),
  gelu: () => (v) => 0.5 * v * (1 + erf(v * Math.SQRT1_2)),
  tanh: () => Math.tanh,
  sigmoid: () => (v) => 1 / (1 + Math.exp(-v)),
}

// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: to 1.5e-7.
function erf(v) {
  const t = 1 / (1 + 0.3275911 * Math.abs(v))
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  return Math.sign(v) * (1 - series * Math.exp(-v * v))
}

// Reads the bytes of a plan: its JSON, with the steps, and the weights.
export function readPlan(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)))
  return { ...head, weights: bytes.slice(4 + length).buffer }
}

const product = (shape) => shape.reduce((a, b) => a * b, 1)
const ARRAYS = { int8: Int8Array, int16: Int16Array, float32: Float32Array }
const array = (plan, { at, type, shape }) => new ARRAYS[type](plan.weights, at, product(shape))

export class Network {
  // The parts that do not depend on the input are shared by networks of the same plan: plan.prepared.
  constructor(engine, plan, shape) {
    this.engine = engine
    this.plan = plan
    plan.prepared ??= new Map()
    this.tensors = { [plan.input]: this.tensor(shape) }
    this.steps = plan.steps.map((step) => {
      const inputs = step.inputs.map((name) => this.tensors[name])
      const [output, run] = BUILD[step.kind](this, step, ...inputs)
      this.tensors[step.output] = output
      return run
    })
  }

  tensor(shape) {
    return { place: this.engine.take(product(shape)), shape, size: product(shape) }
  }

  floats(name) {
    const { place, size } = this.tensors[name]
    return this.engine.floats(place, size)
  }

  run() {
    const memory = new Float32Array(this.engine.memory.buffer)
    for (const step of this.steps) step(memory)
  }
}

// Each builder returns the output of a step and the function that computes it from the memory as floats.
const BUILD = {
  convolution: (network, step, x) => convolve(network, step, x, false),
  depthwise: (network, step, x) => convolve(network, step, x, true),

  pool(network, { of, size: [kh, kw], stride, padding }, x) {
    const [n, height, width, channels] = x.shape
    const window = placeWindow([height, width], [kh, kw], stride, padding)
    const y = network.tensor([n, ...window.size, channels])
    const [outHeight, outWidth] = window.size
    return [y, (memory) => {
      let to = y.place / 4
      for (let i = 0; i < n; i++) for (let r = 0; r < outHeight; r++) for (let c = 0; c < outWidth; c++, to += channels) {
        const [top, left] = [r * stride[0] - window.before[0], c * stride[1] - window.before[1]]
        const [fromRow, toRow] = [Math.max(0, top), Math.min(height, top + kh)]
        const [fromColumn, toColumn] = [Math.max(0, left), Math.min(width, left + kw)]
        memory.fill(of === "max" ? -Infinity : 0, to, to + channels)
        for (let v = fromRow; v < toRow; v++) for (let u = fromColumn; u < toColumn; u++) {
          const from = x.place / 4 + ((i * height + v) * width + u) * channels
          if (of === "max") for (let k = 0; k < channels; k++) { if (memory[from + k] > memory[to + k]) memory[to + k] = memory[from + k] }
          else for (let k = 0; k < channels; k++) memory[to + k] += memory[from + k]
        }
        if (of === "average") for (let k = 0; k < channels; k++) memory[to + k] /= (toRow - fromRow) * (toColumn - fromColumn)
      }
    }]
  },

  combine(network, { of, constant, constant_first: first, activation }, ...inputs) {
    let [a, b] = inputs
    if (constant) {
      const values = array(network.plan, constant)
      b = network.tensor(constant.shape)
      network.engine.floats(b.place, b.size).set(values)
      if (first) [a, b] = [b, a]
    }
    const shape = broadcast(a.shape, b.shape)
    const y = network.tensor(shape)
    const [low, high] = ACTIVATIONS[activation] ?? ACTIVATIONS.none
    const compute = BINARY[of]
    const [stepsA, stepsB] = [a, b].map((tensor) => spread(tensor.shape, shape))
    const alike = a.size === y.size && b.size === y.size
    return [y, (memory) => {
      const [atA, atB, to] = [a.place / 4, b.place / 4, y.place / 4]
      if (alike && of === "add") { // most of them
        for (let i = 0; i < y.size; i++) memory[to + i] = Math.min(high, Math.max(low, memory[atA + i] + memory[atB + i]))
      } else if (alike) {
        for (let i = 0; i < y.size; i++) memory[to + i] = Math.min(high, Math.max(low, compute(memory[atA + i], memory[atB + i])))
      } else {
        const [n, h, w, c] = four(shape)
        let at = to
        for (let i = 0; i < n; i++) for (let r = 0; r < h; r++) for (let q = 0; q < w; q++) {
          let fromA = atA + i * stepsA[0] + r * stepsA[1] + q * stepsA[2]
          let fromB = atB + i * stepsB[0] + r * stepsB[1] + q * stepsB[2]
          for (let k = 0; k < c; k++, at++, fromA += stepsA[3], fromB += stepsB[3]) {
            memory[at] = Math.min(high, Math.max(low, compute(memory[fromA], memory[fromB])))
          }
        }
      }
    }]
  },

  apply(network, { of, alpha }, x) {
    const y = network.tensor(x.shape)
    const compute = UNARY[of](alpha)
    return [y, (memory) => {
      const [from, to] = [x.place / 4, y.place / 4]
      for (let i = 0; i < y.size; i++) memory[to + i] = compute(memory[from + i])
    }]
  },

  // Mean or greatest value along axes.
  reduce(network, { of, axes, keep }, x) {
    const reduced = x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length))
    const y = network.tensor(keep ? reduced : x.shape.filter((_, axis) => !axes.includes(axis)))
    const steps = spread(reduced, x.shape)
    const share = of === "mean" ? y.size / x.size : 1
    const results = new Float64Array(y.size)
    return [y, (memory) => {
      results.fill(of === "mean" ? 0 : -Infinity)
      const [n, h, w, c] = four(x.shape)
      let from = x.place / 4
      for (let i = 0; i < n; i++) for (let r = 0; r < h; r++) for (let q = 0; q < w; q++) {
        let to = i * steps[0] + r * steps[1] + q * steps[2]
        if (of === "mean") for (let k = 0; k < c; k++, from++, to += steps[3]) results[to] += memory[from]
        else for (let k = 0; k < c; k++, from++, to += steps[3]) results[to] = Math.max(results[to], memory[from])
      }
      for (let i = 0; i < y.size; i++) memory[y.place / 4 + i] = results[i] * share
    }]
  },

  // Bilinear, with half pixel centres.
  resize(network, { size: [height, width] }, x) {
    const [n, fromHeight, fromWidth, channels] = x.shape
    const y = network.tensor([n, height, width, channels])
    const places = (from, to) => Array.from({ length: to }, (_, i) => {
      const at = ((i + 0.5) * from) / to - 0.5
      const low = Math.max(0, Math.floor(at))
      return [low, Math.min(from - 1, Math.max(0, Math.ceil(at))), Math.max(0, at - low)]
    })
    const [rows, columns] = [places(fromHeight, height), places(fromWidth, width)]
    return [y, (memory) => {
      let to = y.place / 4
      for (let i = 0; i < n; i++) for (const [top, bottom, v] of rows) for (const [left, right, u] of columns) {
        const at = (r, c) => x.place / 4 + ((i * fromHeight + r) * fromWidth + c) * channels
        const [a, b, c, d] = [at(top, left), at(top, right), at(bottom, left), at(bottom, right)]
        for (let k = 0; k < channels; k++, to++) {
          memory[to] = (1 - v) * ((1 - u) * memory[a + k] + u * memory[b + k]) + v * ((1 - u) * memory[c + k] + u * memory[d + k])
        }
      }
    }]
  },

  // Nearest neighbour, twice the height and width.
  double: (network, _, x) => pick(network, x, x.shape.map((length, axis) => (
    axis === 1 || axis === 2 ? Array.from({ length: 2 * length }, (_, i) => i >> 1) : [...Array(length).keys()]))),

  slice: (network, { parts }, x) => {
    const ranges = x.shape.map((length, axis) => parts[axis]?.map((at) => (at < 0 ? at + length : Math.min(at, length))) ?? [0, length])
    return pick(network, x, ranges.map(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i)))
  },

  reverse: (network, { axes }, x) => pick(network, x, x.shape.map((length, axis) =>
    Array.from({ length }, (_, i) => (axes.includes(axis) ? length - 1 - i : i)))),

  concatenate(network, { axis }, ...inputs) {
    const shape = [...inputs[0].shape]
    shape[axis] = inputs.reduce((sum, x) => sum + x.shape[axis], 0)
    const y = network.tensor(shape)
    const before = product(shape.slice(0, axis))
    return [y, (memory) => {
      let to = y.place / 4
      for (let i = 0; i < before; i++) for (const x of inputs) {
        const count = x.size / before
        memory.copyWithin(to, x.place / 4 + i * count, x.place / 4 + (i + 1) * count)
        to += count
      }
    }]
  },

  reshape(_, { shape }, x) {
    const known = product(shape.filter((length) => length > 0))
    return [{ ...x, shape: shape.map((length) => (length > 0 ? length : x.size / known)) }, () => {}]
  },

  softmax(network, _, x) {
    const y = network.tensor(x.shape)
    const classes = x.shape[x.shape.length - 1]
    return [y, (memory) => {
      for (let i = 0; i < x.size; i += classes) {
        const values = memory.subarray(x.place / 4 + i, x.place / 4 + i + classes)
        const most = Math.max(...values)
        const powers = Array.from(values, (v) => Math.exp(v - most))
        const sum = powers.reduce((a, b) => a + b)
        powers.forEach((power, k) => { memory[y.place / 4 + i + k] = power / sum })
      }
    }]
  },
}

// Returns the size of what a window makes, and the rows and columns that are added before the input.
function placeWindow(size, kernel, stride, padding) {
  const both = [0, 1]
  if (padding === "same") {
    const out = both.map((i) => Math.ceil(size[i] / stride[i]))
    return { size: out, before: both.map((i) => Math.max(0, (out[i] - 1) * stride[i] + kernel[i] - size[i]) >> 1) }
  }
  const before = padding === "valid" ? [0, 0] : padding
  return { size: both.map((i) => Math.floor((size[i] + 2 * before[i] - kernel[i]) / stride[i]) + 1), before }
}

function convolve(network, step, x, depthwise) {
  const { engine } = network
  const [n, height, width, channels] = x.shape.length === 2 ? [x.shape[0], 1, 1, x.shape[1]] : x.shape
  const { kh, kw, outputs, weights, bias, loops } = prepareWeights(network, step, channels, depthwise)
  let { size: [rows, columns], before } = placeWindow([height, width], [kh, kw], step.stride, step.padding)
  const [down, across] = step.stride
  const y = network.tensor(x.shape.length === 2 ? [n, outputs] : [n, rows, columns, outputs])
  const padded = [(rows - 1) * down + kh, (columns - 1) * across + kw]
  const asItIs = padded[0] <= height && padded[1] <= width && !before[0] && !before[1]
  const [inHeight, inWidth] = asItIs ? [height, width] : padded
  // The input with a border of zeros, and rounded; borders stay, since only what lies inside is written.
  const scratch = asItIs && !step.rounded ? null : engine.take(inHeight * inWidth * channels)
  // A kernel of one pixel sees the picture as one long row.
  const oneRow = kh * kw === 1 && down * across === 1
  if (oneRow) [rows, columns] = [1, rows * columns]
  const blocks = Math.ceil(outputs / 8)
  const aside = depthwise || outputs % 8 === 0 ? null : engine.take(columns * blocks * 8)
  const [low, high] = ACTIVATIONS[step.activation] ?? ACTIVATIONS.none
  const [xStep, rowBytes] = [4 * across * channels, 4 * inWidth * channels]
  const row = engine.kernels[(kw * channels) % 4 ? "single" : "four"]

  const compute = (memory, from, to, size) => {
    for (let r = 0; r < rows; r++) {
      const [input, output] = [from + r * down * rowBytes, to + 4 * r * columns * outputs]
      if (loops) loops(memory, input / 4, output / 4, columns, across, inWidth, low, high)
      else if (depthwise) engine.kernels.depthwise(input, weights, bias, output, columns, xStep, 4 * channels, rowBytes, channels / 4, low, high)
      else row(input, weights, bias, aside ?? output, columns, xStep, kh, rowBytes, kw * channels, blocks, aside ? 32 * blocks : 4 * outputs, size, low, high)
      if (aside) for (let c = 0; c < columns; c++) memory.copyWithin(output / 4 + c * outputs, aside / 4 + 8 * blocks * c, aside / 4 + 8 * blocks * c + outputs)
    }
  }
  return [y, (memory) => {
    for (let i = 0; i < n; i++) {
      const picture = x.place / 4 + i * height * width * channels
      let size = 1
      if (step.rounded && oneRow) {
        for (let from = picture, to = scratch / 4; from < picture + height * width * channels; from += channels, to += channels) {
          const range = levels(memory, from, from + channels)
          copyRounded(engine, memory, range, range.size, from, to, channels)
        }
      } else if (scratch !== null) {
        const range = step.rounded ? levels(memory, picture, picture + height * width * channels) : null
        if (range && !depthwise) size = range.size
        const usedColumns = Math.min(width, inWidth - before[1]) * channels
        for (let r = 0; r < Math.min(height, inHeight - before[0]); r++) {
          const from = picture + r * width * channels
          const to = scratch / 4 + ((r + before[0]) * inWidth + before[1]) * channels
          if (range) copyRounded(engine, memory, range, depthwise ? range.size : 1, from, to, usedColumns)
          else memory.copyWithin(to, from, from + usedColumns)
        }
      }
      compute(memory, scratch ?? 4 * picture, y.place + 4 * i * (y.size / n), size)
      if (step.activation === "tanh") for (let j = 0, to = y.place / 4 + i * (y.size / n); j < y.size / n; j++) memory[to + j] = Math.tanh(memory[to + j])
    }
  }]
}

// Puts the weights of a step into the memory in the order of its kernel, once for all networks of a plan.
function prepareWeights({ engine, plan }, step, channels, depthwise) {
  if (plan.prepared.has(step)) return plan.prepared.get(step)
  const stored = array(plan, step.weights)
  const scales = step.scale && array(plan, step.scale)
  const biases = array(plan, step.bias)
  const [outputs, kh, kw] = step.weights.shape
  const count = stored.length / outputs // weights of an output
  const value = (o, i) => stored[o * count + i] * (depthwise && scales ? scales[o] : 1)
  let made
  if (depthwise && (kh !== 3 || kw !== 3 || channels % 4)) {
    made = { kh, kw, outputs, loops: depthwiseLoops(value, biases, kh, kw, channels) }
  } else {
    const block = depthwise ? 4 : 8
    const all = Math.ceil(outputs / block) * block
    const [weights, bias] = [engine.take(all * count), engine.take(2 * all)]
    const to = engine.floats(weights, all * count)
    for (let o = 0; o < outputs; o++) for (let i = 0; i < count; i++) to[(Math.floor(o / block) * count + i) * block + (o % block)] = value(o, i)
    const ends = engine.floats(bias, 2 * all)
    if (depthwise) ends.set(biases)
    else for (let o = 0; o < outputs; o++) [ends[16 * (o >> 3) + (o % 8)], ends[16 * (o >> 3) + 8 + (o % 8)]] = [scales?.[o] ?? 1, biases[o]]
    made = { kh, kw, outputs, weights, bias }
  }
  plan.prepared.set(step, made)
  return made
}

// Depthwise convolutions of other sizes than 3x3, which are rare.
function depthwiseLoops(value, biases, kh, kw, channels) {
  return (memory, from, to, columns, across, inWidth, low, high) => {
    for (let c = 0; c < columns; c++) for (let k = 0; k < channels; k++) {
      let sum = biases[k]
      for (let v = 0; v < kh; v++) for (let u = 0; u < kw; u++) sum += memory[from + (v * inWidth + c * across + u) * channels + k] * value(k, v * kw + u)
      memory[to + c * channels + k] = Math.min(high, Math.max(low, sum))
    }
  }
}

// LiteRT rounds what enters a layer with 8-bit weights to 256 steps between its least and its largest value, 0
// included, and 0 stays 0 (XNNPACK's qd8): image by image, or pixel by pixel before a kernel of one pixel.
function levels(memory, from, to) {
  let [least, most] = [0, 0]
  for (let i = from; i < to; i++) {
    const value = memory[i]
    if (value < least) least = value
    else if (value > most) most = value
  }
  const steps = least === most ? 1 : Math.fround(255 / Math.fround(most - least))
  const [lowest, highest] = [Math.fround(least * steps), Math.fround(most * steps)]
  const zero = roundHalfEven(Math.max(-128, Math.min(127, -1 + lowest + highest > 0 ? -128 - lowest : 127 - highest)))
  return { steps, size: Math.fround(1 / steps), low: -128 - zero, high: 127 - zero }
}

// Copies values as numbers of steps, times `unit`.
function copyRounded({ kernels }, memory, { steps, low, high }, unit, from, to, count) {
  if (count % 4 === 0) return kernels.rounded(4 * from, 4 * to, count, steps, unit, low, high)
  for (let i = 0; i < count; i++) memory[to + i] = Math.max(low, Math.min(high, roundHalfEven(memory[from + i] * steps))) * unit
}

// Adding and taking away 1.5 * 2 ** 52 leaves the nearest whole number, halves to the even one.
const roundHalfEven = (v) => v + 6755399441055744 - 6755399441055744

const four = (shape) => [...Array(4 - shape.length).fill(1), ...shape]

function broadcast(a, b) {
  const [longer, shorter] = a.length >= b.length ? [a, b] : [b, a]
  const missing = longer.length - shorter.length
  return longer.map((length, i) => Math.max(length, shorter[i - missing] ?? 1))
}

// Returns how far a tensor of `shape` moves for a step along each of the four axes of the larger one; 0 where it is
// repeated.
function spread(shape, larger) {
  const [own, whole] = [four(shape), four(larger)]
  return own.map((length, i) => (length === 1 && whole[i] > 1 ? 0 : product(own.slice(i + 1))))
}

// A step that takes certain places along each axis.
function pick(network, x, places) {
  const y = network.tensor(places.map((list) => list.length))
  const all = [...Array(4 - places.length).fill([0]), ...places]
  const steps = four(x.shape).map((_, i) => product(four(x.shape).slice(i + 1)))
  const from = new Int32Array(y.size)
  let i = 0
  for (const a of all[0]) for (const b of all[1]) for (const c of all[2]) for (const d of all[3]) {
    from[i++] = a * steps[0] + b * steps[1] + c * steps[2] + d * steps[3]
  }
  return [y, (memory) => {
    const [at, to] = [x.place / 4, y.place / 4]
    for (let j = 0; j < y.size; j++) memory[to + j] = memory[at + from[j]]
  }]
}
