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

// A camera that is opened and closed with a button, for pictures. `root` holds the elements below, and those that are
// named; opened() and closed() may do more.
export class PictureCamera {
  constructor(root, ...names) {
    for (const name of ["stage", "video", "start", "cameras", "shoot", "problem", ...names]) this[name] = root.querySelector(`.${name}`)
    this.root = root
    this.start.onclick = () => (this.stream ? this.closeCamera() : this.open())
    this.cameras.onchange = () => this.open()
  }

  async open() {
    this.closeCamera()
    this.say("")
    try {
      this.stream = await openCamera(this.video, this.cameras)
    } catch ({ problem }) {
      return this.say(sentence(problem))
    }
    if (!this.root.isConnected) return this.closeCamera()
    this.stream.getVideoTracks()[0].onended = () => { this.closeCamera(); this.say(sentence("ended")) }
    this.start.textContent = "Close the camera"
    this.stage.hidden = this.shoot.hidden = false
    this.opened?.()
  }

  closeCamera() {
    this.closed?.()
    this.stream?.getTracks().forEach((track) => Object.assign(track, { onended: null }).stop())
    this.stream = this.video.srcObject = null
    this.start.textContent = "Open the camera"
    this.stage.hidden = this.shoot.hidden = this.cameras.hidden = true
  }

  say(text) {
    this.problem.textContent = text
    this.problem.hidden = !text
  }
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
