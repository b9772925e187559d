// The worker: frames in, faces out. The page cannot be held up by it.
import { Engine } from "./kernels.js"
import { Network, readPlan } from "./network.js"
import { Detector } from "./detector.js"
import { crop } from "./pixels.js"
import { PhotoSearch } from "./photo.js"

const MAX_FACES = 8
const BUDGET = 40 // milliseconds for a frame's faces; those that are left have their turn in the next frames

const MOST_MEMORY = 400_000_000 // bytes, which networks for photos of many sizes take
let plans, detector, network, canvas
let turn = 0

self.onmessage = ({ data }) => {
  try {
    self.postMessage(data.plans ? begin(data.plans) : data.photo ? lookAtPhoto(data) : look(data))
  } catch (error) {
    self.postMessage({ problem: error.problem ?? "broken", message: error.message })
  }
}

function begin(given) {
  plans = given
  const engine = new Engine()
  detector = new Detector(engine, readPlan(plans.detector))
  const plan = readPlan(plans.model)
  network = new Network(engine, plan, plan.shape)
  detector.detect({ data: new Uint8ClampedArray(4 * 336 * 252), width: 336, height: 252 }) // the first takes longest
  network.run()
  return { ready: true }
}

// Returns the faces, the largest first; probabilities is null where a face waits for its turn.
function look({ frame }) {
  const began = performance.now()
  const { width, height } = frame
  if (canvas?.width !== width || canvas.height !== height) canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext("2d", { willReadFrequently: true })
  context.drawImage(frame, 0, 0)
  frame.close()
  const picture = context.getImageData(0, 0, width, height)
  const faces = detector.detect(picture).slice(0, MAX_FACES)
  const found = performance.now()
  const rest = faces.length - 1
  const order = faces.length ? [0, ...Array.from({ length: rest }, (_, i) => 1 + ((turn + i) % rest))] : []
  for (const face of faces) face.probabilities = null
  for (const [count, i] of order.entries()) {
    if (count > 1 && performance.now() - found > BUDGET) break
    faces[i].probabilities = probabilities(crop(picture, faces[i].box))
    if (i) turn = i // the next frame begins with the one after it
  }
  return { faces, width, height, all: performance.now() - began }
}

function lookAtPhoto({ photo }) {
  const search = new PhotoSearch(detector, photo)
  const faces = search.faces().map((face) => {
    const [pixels, upright] = search.upright(face)
    return { ...face, upright, probabilities: probabilities(crop(pixels, upright)) }
  })
  photo.close()
  if (detector.engine.memory.buffer.byteLength > MOST_MEMORY) begin(plans)
  return { faces }
}

function probabilities(grey) {
  network.floats(network.plan.input).set(grey)
  network.run()
  return Array.from(network.floats(network.plan.output))
}
