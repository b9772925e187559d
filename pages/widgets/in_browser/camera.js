// What live video and photos share: the camera, the worker, downloads, and a sentence for everything that may fail.
const CAMERA = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30, max: 30 } }
const AGAIN = "then press Start again."
const PROBLEMS = {
  insecure: "A camera needs https or localhost: open this page with https://, or upload a photo.",
  policy: 'The page that embeds this app does not hand on the camera: its iframe needs allow="camera".',
  NotAllowedError: `The browser blocks the camera for this page: allow it with the icon beside the address, ${AGAIN}`,
  NotFoundError: `This device has no camera: connect one, ${AGAIN} Or upload a photo.`,
  NotReadableError: `The camera cannot be read, perhaps because another program uses it: close that program, ${AGAIN}`,
  ended: `The camera was disconnected: connect it, ${AGAIN}`,
  simd: "This browser has no WebAssembly SIMD, which the networks need: update the browser, or choose On the server (WebRTC).",
  wasm: "The Content-Security-Policy of this site forbids WebAssembly: it needs script-src 'wasm-unsafe-eval'. Or choose On the server (WebRTC).",
  worker: "The Content-Security-Policy of this site forbids workers: it needs worker-src blob:. Or choose On the server (WebRTC).",
  broken: "The networks stopped in this browser: reload the page, or choose On the server (WebRTC).",
}

export const sentence = (problem) => PROBLEMS[problem] ?? `There is no camera (${problem}): upload a photo.`

// Shows the chosen camera, lists all of them, and returns the stream; or throws { problem }.
export async function openCamera(video, list) {
  if (!navigator.mediaDevices) throw { problem: "insecure" }
  let stream
  try {
    const which = list.value ? { deviceId: { exact: list.value } } : { facingMode: { ideal: "user" } }
    stream = await navigator.mediaDevices.getUserMedia({ video: { ...CAMERA, ...which }, audio: false })
  } catch ({ name }) {
    const policy = (document.permissionsPolicy ?? document.featurePolicy)?.allowsFeature("camera") === false
    throw { problem: policy ? "policy" : name }
  }
  video.srcObject = stream
  await Promise.all([video.play(), listCameras(list, stream)]).catch(() => {})
  return stream
}

async function listCameras(list, stream) {
  const found = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput")
  const used = stream.getVideoTracks()[0].getSettings().deviceId
  list.replaceChildren(...found.map(({ deviceId, label }, i) =>
    Object.assign(document.createElement("option"), { value: deviceId, textContent: label || `Camera ${i + 1}`, selected: deviceId === used })))
  list.hidden = found.length < 2
}

// Returns a worker that loads these plans; throws where a policy forbids workers.
export function startWorker(plans) {
  const address = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }))
  try {
    const worker = new Worker(address)
    worker.postMessage({ plans })
    return worker
  } finally {
    setTimeout(() => URL.revokeObjectURL(address), 10_000)
  }
}

export function save(blob, name) {
  const address = URL.createObjectURL(blob)
  Object.assign(document.createElement("a"), { href: address, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
