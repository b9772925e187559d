// WebAssembly kernels with SIMD, for rows of convolutions. They are assembled here, so that no binary lies in
// the repository and nothing is loaded.

const I32 = 0x7f
const F32 = 0x7d
const V128 = 0x7b

function unsigned(n) {
  const bytes = []
  do {
    bytes.push((n & 127) | (n > 127 ? 128 : 0))
    n >>>= 7
  } while (n)
  return bytes
}

function signed(n) {
  const bytes = []
  for (;;) {
    const low = n & 127
    n >>= 7
    if ((n === 0 && low < 64) || (n === -1 && low >= 64)) return [...bytes, low]
    bytes.push(low | 128)
  }
}

const simd = (code, ...more) => [0xfd, ...unsigned(code), ...more]
const constant = (n) => [0x41, ...signed(n)]
const load = (offset = 0) => simd(0x00, 4, ...unsigned(offset))
const loadSplat = (offset = 0) => simd(0x09, 2, ...unsigned(offset))
const store = (offset = 0) => simd(0x0b, 4, ...unsigned(offset))
const [plus, minus, times, isLess, choose] = [0x6a, 0x6b, 0x6c, 0x48, 0x1b].map((code) => [code])
const [splat, vectorPlus, vectorTimes, vectorLeast, vectorMost] = [0x13, 0xe4, 0xe6, 0xe8, 0xe9].map((code) => simd(code))
const nearest = simd(0x6a) // halves to the even number
const nothing = simd(0x0c, ...Array(16).fill(0))
const each = (count, code) => Array.from({ length: count }, (_, i) => code(i)).flat()
const whileNot0 = (body, value) => [0x03, 0x40, ...body, ...value, 0x0d, 0, 0x0b]

// A function of the module: parameters and locals are {name: type}, body returns its code.
function kernel(parameters, locals, body) {
  const names = [...Object.keys(parameters), ...Object.keys(locals)]
  const get = {}
  const set = {}
  names.forEach((name, i) => {
    get[name] = [0x20, ...unsigned(i)]
    set[name] = [0x21, ...unsigned(i)]
  })
  const raise = (name, by) => [...get[name], ...by, ...plus, ...set[name]]
  const code = [
    ...unsigned(Object.keys(locals).length),
    ...Object.values(locals).flatMap((type) => [1, type]),
    ...body(get, set, raise),
    0x0b,
  ]
  const types = Object.values(parameters)
  return { type: [0x60, ...unsigned(types.length), ...types, 0], code: [...unsigned(code.length), ...code] }
}

function assemble(kernels) {
  const section = (id, items) => {
    const content = [...unsigned(items.length), ...items.flat()]
    return [id, ...unsigned(content.length), ...content]
  }
  const text = (name) => [name.length, ...new TextEncoder().encode(name)]
  const names = Object.keys(kernels)
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, names.map((name) => kernels[name].type)),
    ...section(2, [[...text("env"), ...text("memory"), 2, 0, 1]]),
    ...section(3, names.map((_, i) => unsigned(i))),
    ...section(7, names.map((name, i) => [...text(name), 0, ...unsigned(i)])),
    ...section(10, names.map((name) => kernels[name].code)),
  ])
}

const many = (names, type) => Object.fromEntries(names.map((name) => [name, type]))
const numbered = (name, count) => Array.from({ length: count }, (_, i) => name + i)

// Outputs of one row, 4 pixels by 8 channels at a time; beyond the end of the row the last pixel is done again.
// Weights lie in blocks of 8 outputs: [block][kernel row][value of the row][8]. The sums are multiplied by `size` and by
// the scale of their output, so that those of whole numbers are exact, as in LiteRT: [block][8 scales and 8 biases].
function convolutionRow(unrolled, multiplyAdd) {
  const parameters = {
    ...many(["x", "weights", "bias", "y", "width", "xStep", "rows", "rowBytes", "count", "blocks", "yStep"], I32),
    ...many(["size", "low", "high"], F32),
  }
  const locals = {
    ...many(["pixel", "row", "left", "at", "place"], I32),
    ...many([...numbered("start", 4), ...numbered("input", 4), ...numbered("output", 4)], I32),
    ...many([...numbered("sum", 8), "value", "first", "second", "unit", "least", "most"], V128),
  }
  return kernel(parameters, locals, (get, set, raise) => {
    const product = (i, u) => [
      ...get[`input${i}`], ...loadSplat(4 * u), ...set.value,
      ...["first", "second"].flatMap((half, j) => [
        ...get.value, ...get[half], ...multiplyAdd(get[`sum${2 * i + j}`]), ...set[`sum${2 * i + j}`],
      ]),
    ]
    const values = whileNot0([
      ...each(unrolled, (u) => [
        ...get.at, ...load(32 * u), ...set.first, ...get.at, ...load(32 * u + 16), ...set.second,
        ...each(4, (i) => product(i, u)),
      ]),
      ...each(4, (i) => raise(`input${i}`, constant(4 * unrolled))),
      ...raise("at", constant(32 * unrolled)),
      ...raise("left", constant(-unrolled)),
    ], get.left)
    const rows = whileNot0([
      ...each(4, (i) => [...get[`start${i}`], ...set[`input${i}`]]), ...get.count, ...set.left,
      ...values,
      ...each(4, (i) => raise(`start${i}`, get.rowBytes)),
      ...raise("row", constant(-1)),
    ], get.row)
    const pixels = whileNot0([
      ...each(4, (i) => [
        // The smaller of pixel + i and width - 1.
        ...get.pixel, ...constant(i), ...plus, ...get.width, ...constant(1), ...minus,
        ...get.pixel, ...constant(i), ...plus, ...get.width, ...isLess, ...choose, ...set.place,
        ...get.place, ...get.xStep, ...times, ...get.x, ...plus, ...set[`start${i}`],
        ...get.place, ...get.yStep, ...times, ...get.y, ...plus, ...set[`output${i}`],
        ...nothing, ...set[`sum${2 * i}`], ...nothing, ...set[`sum${2 * i + 1}`],
      ]),
      ...get.weights, ...set.at, ...get.rows, ...set.row,
      ...rows,
      ...each(8, (i) => [
        ...get[`output${i >> 1}`], ...get[`sum${i}`], ...get.unit, ...vectorTimes, ...get.bias, ...load(16 * (i & 1)),
        ...multiplyAdd([...get.bias, ...load(32 + 16 * (i & 1))]), ...get.least, ...vectorMost, ...get.most, ...vectorLeast,
        ...store(16 * (i & 1)),
      ]),
      ...raise("pixel", constant(4)),
    ], [...get.pixel, ...get.width, ...isLess])
    return [
      ...get.low, ...splat, ...set.least, ...get.high, ...splat, ...set.most, ...get.size, ...splat, ...set.unit,
      ...whileNot0([
        ...constant(0), ...set.pixel,
        ...pixels,
        ...get.at, ...set.weights, ...raise("bias", constant(64)), ...raise("y", constant(32)),
        ...raise("blocks", constant(-1)),
      ], get.blocks),
    ]
  })
}

// Outputs of one row of a depthwise 3x3 convolution, 4 channels at a time. Weights: [block][9][4].
function depthwiseRow(multiplyAdd) {
  const parameters = {
    ...many(["x", "weights", "bias", "y", "width", "xStep", "channelBytes", "rowBytes", "blocks"], I32),
    ...many(["low", "high"], F32),
  }
  const locals = {
    ...many(["left", "output", "row0", "row1", "row2"], I32),
    ...many([...numbered("weight", 9), "sum", "least", "most", "offset"], V128),
  }
  return kernel(parameters, locals, (get, set, raise) => {
    const pixel = [
      ...get.offset, ...set.sum,
      ...each(3, (r) => each(3, (c) => [
        ...get[`row${r}`], ...each(c, () => [...get.channelBytes, ...plus]), ...load(),
        ...get[`weight${3 * r + c}`], ...multiplyAdd(get.sum), ...set.sum,
      ])),
      ...get.output, ...get.sum, ...get.least, ...vectorMost, ...get.most, ...vectorLeast, ...store(),
      ...raise("output", get.channelBytes),
      ...each(3, (r) => raise(`row${r}`, get.xStep)),
      ...raise("left", constant(-1)),
    ]
    return [
      ...get.low, ...splat, ...set.least, ...get.high, ...splat, ...set.most,
      ...whileNot0([
        ...each(9, (i) => [...get.weights, ...load(16 * i), ...set[`weight${i}`]]),
        ...get.bias, ...load(), ...set.offset,
        ...get.x, ...set.row0, ...get.row0, ...get.rowBytes, ...plus, ...set.row1,
        ...get.row1, ...get.rowBytes, ...plus, ...set.row2,
        ...get.y, ...set.output, ...get.width, ...set.left,
        ...whileNot0(pixel, get.left),
        ...raise("weights", constant(144)), ...raise("bias", constant(16)),
        ...raise("x", constant(16)), ...raise("y", constant(16)), ...raise("blocks", constant(-1)),
      ], get.blocks),
    ]
  })
}

// Rounds the multiples of values to whole numbers from `low` to `high`, times `unit`; `count` is a multiple of 4.
function roundedRow() {
  const parameters = { ...many(["x", "y", "count"], I32), ...many(["steps", "unit", "low", "high"], F32) }
  return kernel(parameters, {}, (get, _, raise) => whileNot0([
    ...get.y, ...get.x, ...load(), ...get.steps, ...splat, ...vectorTimes, ...nearest,
    ...get.low, ...splat, ...vectorMost, ...get.high, ...splat, ...vectorLeast, ...get.unit, ...splat, ...vectorTimes,
    ...store(),
    ...raise("x", constant(16)), ...raise("y", constant(16)), ...raise("count", constant(-4)),
  ], get.count))
}

// Adds the product of the two topmost values to a sum. Newer browsers do it at once, without rounding in between, which
// takes two thirds of the time.
const fused = (sum) => [...sum, ...simd(0x105)]
const apart = (sum) => [...vectorTimes, ...sum, ...vectorPlus]

const kernels = (multiplyAdd) => assemble({
  single: convolutionRow(1, multiplyAdd),
  four: convolutionRow(4, multiplyAdd),
  depthwise: depthwiseRow(multiplyAdd),
  rounded: roundedRow(),
})

// Memory that only grows, and the kernels on it.
export class Engine {
  constructor() {
    this.memory = new WebAssembly.Memory({ initial: 1 })
    const module = [fused, apart].map(kernels).find((bytes) => WebAssembly.validate(bytes))
    if (!module) throw Object.assign(new Error("no SIMD"), { problem: "simd" })
    try {
      this.kernels = new WebAssembly.Instance(new WebAssembly.Module(module), { env: { memory: this.memory } }).exports
    } catch (error) {
      throw Object.assign(error, { problem: "wasm" })
    }
    this.end = 0
  }

  // Returns the place in bytes of new memory for so many floats, which are 0.
  take(count) {
    const place = this.end
    this.end += (4 * count + 15) & ~15
    const missing = this.end + 64 - this.memory.buffer.byteLength // kernels may read a little beyond the end
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536))
    return place
  }

  // A view of the memory; it is empty after the memory has grown.
  floats(place, count) {
    return new Float32Array(this.memory.buffer, place, count)
  }
}
