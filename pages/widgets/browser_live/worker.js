// The worker: frames in, faces out. The page cannot be held up by it.
import { Engine } from "./kernels.js"
import { Network, readPlan } from "./network.js"
import { Detector } from "./detector.js"
import { crop } from "./pixels.js"

const MAX_FACES = 8
const BUDGET = 40 // milliseconds for a frame's faces; those that are left have their turn in the next frames

let detector, network, canvas
let turn = 0

self.onmessage = ({ data }) => {
  try {
    self.postMessage(data.plans ? begin(data.plans) : look(data))
  } catch (error) {
    self.postMessage({ problem: error.problem ?? "broken", message: error.message })
  }
}

function begin({ detector: found, model }) {
  const engine = new Engine()
  detector = new Detector(engine, readPlan(found))
  const plan = readPlan(model)
  network = new Network(engine, plan, plan.shape)
  detector.detect({ data: new Uint8ClampedArray(4 * 336 * 252), width: 336, height: 252 }) // the first takes longest
  network.run()
  return { ready: true }
}

// Returns the faces, the largest first; probabilities is null where a face waits for its turn.
function look({ frame, id, all }) {
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
    if (!all && count > 1 && performance.now() - found > BUDGET) break
    faces[i].probabilities = probabilities(crop(picture, faces[i].box))
    if (i) turn = i // the next frame begins with the one after it
  }
  return { id, faces, width, height, detection: found - began, all: performance.now() - began }
}

function probabilities(grey) {
  network.floats(network.plan.input).set(grey)
  network.run()
  return Array.from(network.floats(network.plan.output))
}
