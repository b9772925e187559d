// The component Live: a running video and what is shown of it. No frame leaves the tab unless Snapshot is pressed.
import { Session } from "./session.js"
import "./plans.js"
import { openCamera, save, sentence, startWorker } from "./camera.js"
import { csv } from "./table.js"
import { answer, drawBars, drawMarks, percent } from "./drawing.js"
import { historyLines } from "./history.js"

const REFRESH = 0.25 // seconds between two drawings of figures and lines
const SLOW = 12 // frames a second
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
    try {
      run.stream = await openCamera(this.video, this.cameras)
    } catch ({ problem }) {
      if (this.run === run) this.stop(problem)
      return
    }
    if (this.run !== run) return end(run) // stopped meanwhile
    run.stream.getVideoTracks()[0].onended = () => { if (this.run === run) this.stop("ended") }
    if (matchMedia("(max-width: 640px)").matches) this.root.scrollIntoView({ block: "start" })
    await this.work(run)
    if (this.run === run) this.next(run)
  }

  // Starts a worker with the present model.
  async work(run) {
    run.worker?.terminate()
    Object.assign(run, { worker: null, session: null, first: null }) // frames are counted from the new session on
    this.hint.textContent = "Loading the networks ..."
    const { settings } = this
    const [detector, model] = await Promise.all([plans.get(settings.plans.detector), plans.get(settings.plans.model)])
    if (this.run !== run || this.settings.plans.model !== settings.plans.model) return
    try {
      run.worker = startWorker({ detector, model })
    } catch {
      return this.stop("worker")
    }
    const { worker } = run
    worker.onerror = () => { if (run.worker === worker) this.stop(run.session ? "broken" : "worker") }
    worker.onmessage = ({ data }) => {
      if (run.worker !== worker) return
      if (data.problem) return this.stop(data.problem, data.message)
      if (data.ready) {
        run.session = new Session(this.settings) // settings may have changed meanwhile
        this.hint.textContent = "Waiting for the camera's first picture ..."
      } else this.show(run, data)
      run.busy = false
    }
    run.busy = true
  }

  // Takes the next frame; after a second without one, the picture that is there.
  next(run) {
    let done = false
    const timer = setTimeout(() => took(performance.now()), 1000)
    const took = async (now, about) => {
      clearTimeout(timer)
      if (done || this.run !== run) return
      done = true
      this.next(run)
      run.presented = about?.presentedFrames ?? (run.presented ?? 0) + 1
      if (run.session) {
        run.first ??= run.presented - 1
        run.session.frames = run.presented - run.first
      }
      if (run.busy || !run.session || !this.video.videoWidth) return
      run.busy = true
      run.time = now / 1000
      const { worker } = run
      const frame = await createImageBitmap(this.video).catch(() => null) // a camera that has no picture yet
      if (frame && run.worker === worker) worker.postMessage({ frame }, [frame])
      else {
        frame?.close()
        run.busy = false
      }
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

  // Sends the present frame to the app, which shows it below as a photo.
  takeSnapshot() {
    if (!this.video.videoWidth) return
    const canvas = Object.assign(document.createElement("canvas"), { width: this.video.videoWidth, height: this.video.videoHeight })
    canvas.getContext("2d").drawImage(this.video, 0, 0)
    this.trigger("snapshot", canvas.toDataURL("image/jpeg", 0.92).split(",")[1])
  }

  saveCsv() {
    const session = this.run?.session ?? this.last
    save(new Blob([csv(session.rows, session.settings)], { type: "text/csv" }), "live.csv")
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
    if (problem) this.say(sentence(problem))
    if (message) console.error(message)
  }
}

function end({ stream, worker }) {
  stream?.getTracks().forEach((track) => track.stop())
  worker?.terminate()
}
