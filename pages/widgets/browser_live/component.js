// The component: camera, worker and what is shown. No frame leaves the tab unless Snapshot is pressed.
import { Session } from "./session.js"
import "./plans.js"
import { answer, drawBars, drawMarks, historyLines, percent } from "./drawing.js"

const REFRESH = 0.25 // seconds between two drawings of figures and lines
const SLOW = 12 // frames a second
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

const plans = globalThis.ferExplorerPlans // of plans.js
const instances = new WeakMap()

// Called by pages/widgets/component.js.
export function draw({ data, parentElement, setTriggerValue }) {
  let live = instances.get(parentElement)
  if (!live) instances.set(parentElement, (live = new Live(parentElement.querySelector(".live"), setTriggerValue)))
  live.take(data)
  return () => setTimeout(() => live.root.isConnected || live.stop()) // Streamlit also ends calls that came late
}

class Live {
  constructor(root, trigger) {
    const part = (name) => root.querySelector(`.${name}`)
    const names = ["video", "marks", "start", "cameras", "snapshot", "save", "problem", "hint", "figures", "slow"]
    for (const name of [...names, "faces", "answer", "bars", "history", "calibrate", "forget", "calibration"]) this[name] = part(name)
    Object.assign(this, { root, trigger, chosen: null, run: null })
    this.start.onclick = () => (this.run ? this.stop() : this.begin())
    this.cameras.onchange = () => { if (this.run) this.begin() }
    this.snapshot.onclick = () => this.takeSnapshot()
    this.save.onclick = () => this.saveCsv()
    this.calibrate.onclick = () => this.run?.session?.calibrator.begin(performance.now() / 1000)
    this.forget.onclick = () => this.run?.session?.calibrator.forget()
    this.stop()
  }

  // Takes the newest settings; another model begins with a new worker, and the video goes on.
  take(settings) {
    const before = this.settings
    this.settings = settings
    this.video.style.transform = settings.mirror ? "scaleX(-1)" : ""
    if (!this.run) return
    if (before.plans.model !== settings.plans.model) this.work(this.run)
    else if (this.run.session) this.run.session.settings = settings
  }

  async begin() {
    this.stop()
    const run = (this.run = {})
    this.say("")
    this.start.textContent = "Stop"
    this.hint.textContent = "Starting the camera ..."
    if (!navigator.mediaDevices) return this.stop("insecure")
    try {
      const which = this.cameras.value ? { deviceId: { exact: this.cameras.value } } : { facingMode: { ideal: "user" } }
      run.stream = await navigator.mediaDevices.getUserMedia({ video: { ...CAMERA, ...which }, audio: false })
    } catch ({ name }) {
      const policy = (document.permissionsPolicy ?? document.featurePolicy)?.allowsFeature("camera") === false
      if (this.run === run) this.stop(policy ? "policy" : name)
      return
    }
    if (this.run !== run) return end(run) // stopped meanwhile
    run.stream.getVideoTracks()[0].onended = () => { if (this.run === run) this.stop("ended") }
    this.video.srcObject = run.stream
    await Promise.all([this.video.play(), this.listCameras()]).catch(() => {})
    if (matchMedia("(max-width: 640px)").matches) this.root.scrollIntoView({ block: "start" })
    await this.work(run)
    if (this.run === run) this.next(run)
  }

  // Starts a worker with the present model.
  async work(run) {
    run.worker?.terminate()
    Object.assign(run, { worker: null, session: null })
    this.hint.textContent = "Loading the networks ..."
    const { settings } = this
    const [detector, model] = await Promise.all([plans.get(settings.plans.detector), plans.get(settings.plans.model)])
    if (this.run !== run || this.settings.plans.model !== settings.plans.model) return
    const address = URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" }))
    try {
      run.worker = new Worker(address)
    } catch {
      return this.stop("worker")
    } finally {
      setTimeout(() => URL.revokeObjectURL(address), 10_000)
    }
    const { worker } = run
    const session = new Session(this.settings)
    worker.onerror = () => { if (run.worker === worker) this.stop(run.session ? "broken" : "worker") }
    worker.onmessage = ({ data }) => {
      if (run.worker !== worker) return
      if (data.problem) return this.stop(data.problem, data.message)
      if (data.ready) run.session = session
      else this.show(run, data)
      run.busy = false
    }
    run.busy = true
    worker.postMessage({ plans: { detector, model } })
  }

  next(run) {
    const took = async (now, about) => {
      if (this.run !== run) return
      this.next(run)
      const presented = about?.presentedFrames ?? (run.count = (run.count ?? 0) + 1)
      if (run.session) {
        run.first ??= presented - 1
        run.session.frames = presented - run.first
      }
      if (run.busy || !run.session || !this.video.videoWidth) return
      run.busy = true
      run.time = now / 1000
      const { worker } = run
      const frame = await createImageBitmap(this.video)
      if (run.worker === worker) worker?.postMessage({ frame }, [frame])
      else frame.close()
    }
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(took)
    else requestAnimationFrame(took)
  }

  show(run, looked) {
    const { session } = run
    session.update(run.time, looked)
    drawMarks(this.marks, session.faces, looked, session.settings)
    const { faces } = session
    if (!faces.some((face) => face.number === this.chosen) && faces.length) this.chosen = faces[0].number
    const face = faces.find(({ number }) => number === this.chosen)
    this.hint.textContent = faces.length ? "" : "No face is in view: look into the camera, with light on your face."
    if (face?.probabilities) {
      this.answer.textContent = `Face ${face.number}: ${answer(face, session.settings)}`
      drawBars(this.bars, face.probabilities, session.settings)
    } else if (!face && this.chosen !== null) this.answer.textContent = `Face ${this.chosen} is out of view`
    if (run.time - (run.drawn ?? 0) >= REFRESH) this.refresh(run)
  }

  refresh(run) {
    const { session } = run
    run.drawn = run.time
    const { rate, milliseconds, dropped, settled } = session.figures(run.time)
    this.figures.textContent = `${rate.toFixed(0)} frames per second · ${milliseconds.toFixed(0)} ms per frame · ${percent(dropped)} dropped`
    this.slow.textContent = settled && rate < SLOW ? session.settings.faster : ""
    this.history.innerHTML = historyLines(session.histories.points.get(this.chosen) ?? [], run.time, session.settings)
    const numbers = session.faces.map((face) => face.number)
    if (this.faces.dataset.numbers !== String(numbers)) this.offerFaces(numbers)
    for (const button of this.faces.children) button.setAttribute("aria-pressed", String(Number(button.value) === this.chosen))
    const { calibrator } = session
    const measuring = calibrator.ends !== null
    this.calibrate.hidden = measuring || !!calibrator.shift || !session.settings.usual
    this.forget.hidden = !measuring && !calibrator.shift
    this.calibration.textContent = measuring
      ? `Look into the camera with a neutral face: ${Math.ceil(Math.max(0, calibrator.ends - run.time))} s`
      : calibrator.shift ? `Calibrated to the neutral face of face ${calibrator.face}, until you press Stop.` : calibrator.problem ?? ""
    for (const button of [this.snapshot, this.save]) button.hidden = false
  }

  offerFaces(numbers) {
    this.faces.dataset.numbers = String(numbers)
    this.faces.replaceChildren(...(numbers.length > 1 ? numbers : []).map((number) => {
      const button = Object.assign(document.createElement("button"), { value: number, textContent: `Face ${number}` })
      button.onclick = () => { this.chosen = number }
      return button
    }))
  }

  async listCameras() {
    const found = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput")
    const used = this.run?.stream?.getVideoTracks()[0].getSettings().deviceId
    this.cameras.replaceChildren(...found.map(({ deviceId, label }, i) =>
      Object.assign(document.createElement("option"), { value: deviceId, textContent: label || `Camera ${i + 1}`, selected: deviceId === used })))
    this.cameras.hidden = found.length < 2
  }

  // Sends the present frame to the app, which shows it below as a photo.
  takeSnapshot() {
    if (!this.video.videoWidth) return
    const canvas = Object.assign(document.createElement("canvas"), { width: this.video.videoWidth, height: this.video.videoHeight })
    canvas.getContext("2d").drawImage(this.video, 0, 0)
    this.trigger("snapshot", canvas.toDataURL("image/jpeg", 0.92).split(",")[1])
  }

  saveCsv() {
    const session = this.run?.session ?? this.last
    const address = URL.createObjectURL(new Blob([session.csv()], { type: "text/csv" }))
    Object.assign(document.createElement("a"), { href: address, download: "live.csv" }).click()
    setTimeout(() => URL.revokeObjectURL(address), 10_000)
  }

  say(text) {
    this.problem.textContent = text
    this.problem.hidden = !text
  }

  // Ends camera and worker, which frees its memory; the rows of the CSV stay.
  stop(problem, message) {
    const { run } = this
    if (run) end(run)
    this.last = run?.session ?? this.last
    Object.assign(this, { run: null, chosen: null })
    this.video.srcObject = null
    this.marks.width = 0
    this.start.textContent = "Start"
    for (const element of [this.figures, this.slow, this.answer, this.calibration]) element.textContent = ""
    for (const element of [this.bars, this.history, this.faces]) element.replaceChildren()
    delete this.faces.dataset.numbers
    for (const button of [this.snapshot, this.calibrate, this.forget]) button.hidden = true
    this.save.hidden = !this.last
    this.hint.textContent = problem ? "" : "Press Start and look into the camera. Every face gets a box, a number and a label."
    if (problem) this.say(PROBLEMS[problem] ?? `There is no camera (${problem}): upload a photo.`)
    if (message) console.error(message)
  }
}

function end({ stream, worker }) {
  stream?.getTracks().forEach((track) => track.stop())
  worker?.terminate()
}
