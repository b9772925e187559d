// Pixels as OpenCV and Pillow compute them, so that the browser's crops are those that networks were trained on.

// Returns the frame resized by bilinear interpolation, with the fixed-point numbers of OpenCV's cv2.resize.
export function resized({ data, width, height }, newWidth, newHeight) {
  const places = (from, to) => Array.from({ length: to }, (_, i) => {
    const at = ((i + 0.5) * from) / to - 0.5
    const low = Math.max(0, Math.floor(at))
    return [low, Math.min(from - 1, low + 1), Math.round(2048 * Math.max(0, at - low))]
  })
  const columns = places(width, newWidth)
  const out = new Uint8ClampedArray(4 * newWidth * newHeight)
  let to = 0
  for (const [top, bottom, v] of places(height, newHeight)) {
    for (const [left, right, u] of columns) {
      const [a, b, c, d] = [top * width + left, top * width + right, bottom * width + left, bottom * width + right]
      for (let k = 0; k < 3; k++) {
        const upper = data[4 * a + k] * (2048 - u) + data[4 * b + k] * u
        const lower = data[4 * c + k] * (2048 - u) + data[4 * d + k] * u
        out[to + k] = ((((2048 - v) * (upper >> 4)) >> 16) + ((v * (lower >> 4)) >> 16) + 2) >> 2
      }
      to += 4
    }
  }
  return { data: out, width: newWidth, height: newHeight }
}

const CROP_SCALE = 1.08 // fer_core/inference/predict.py
const SIDE = 48
const FIXED = 2 ** 22 // Pillow computes with whole numbers of this share

// Returns the 48x48 grey values of the square around a face, as Pillow cuts, greys and resizes it.
export function crop({ data, width, height }, [x, y, w, h]) {
  const side = Math.max(2, even(CROP_SCALE * Math.sqrt(Math.max(1, w) * Math.max(1, h))))
  const [left, top] = [even(x + w / 2 - side / 2), even(y + h / 2 - side / 2)]
  const grey = new Uint8Array(side * side)
  for (let r = 0; r < side; r++) for (let c = 0; c < side; c++) {
    const at = 4 * (Math.min(height - 1, Math.max(0, top + r)) * width + Math.min(width - 1, Math.max(0, left + c)))
    grey[r * side + c] = (19595 * data[at] + 38470 * data[at + 1] + 7471 * data[at + 2] + 0x8000) >> 16
  }
  return side === SIDE ? grey : shrunkSquare(grey, side)
}

// Pillow's bilinear resize of a square to 48 pixels: a triangle as wide as the pixels that it shrinks.
function shrunkSquare(grey, side) {
  const scale = side / SIDE
  const reach = Math.max(1, scale)
  const windows = Array.from({ length: SIDE }, (_, i) => {
    const middle = (i + 0.5) * scale
    const from = Math.max(0, Math.trunc(middle - reach + 0.5))
    const to = Math.min(side, Math.trunc(middle + reach + 0.5))
    const weights = Array.from({ length: to - from }, (_, j) => Math.max(0, 1 - Math.abs((from + j - middle + 0.5) / reach)))
    const sum = weights.reduce((a, b) => a + b)
    return [from, weights.map((weight) => Math.floor((weight / sum) * FIXED + 0.5))]
  })
  const pass = (values, lines, lineStep, step) => {
    const out = new Uint8Array(lines * SIDE)
    for (let line = 0; line < lines; line++) windows.forEach(([from, weights], i) => {
      let sum = FIXED / 2
      for (let j = 0; j < weights.length; j++) sum += weights[j] * values[line * lineStep + (from + j) * step]
      out[line * SIDE + i] = Math.min(255, Math.floor(sum / FIXED))
    })
    return out // the axis that was resized is the last
  }
  const across = pass(grey, side, side, 1) // (side, 48)
  const down = pass(across, SIDE, 1, SIDE) // (48 columns, 48 rows)
  return Uint8Array.from(down, (_, i) => down[(i % SIDE) * SIDE + Math.floor(i / SIDE)])
}

// Rounds as Python does: halves to the even number.
export function even(v) {
  const low = Math.floor(v)
  if (v - low !== 0.5) return Math.round(v)
  return low % 2 ? low + 1 : low
}
