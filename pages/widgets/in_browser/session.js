// What the page knows of a running video: faces with numbers, smoothed and calibrated; figures; rows of the CSV.
import { row } from "./table.js"
import { Calibrator } from "./calibration.js"
import { Histories } from "./history.js"
import { Smoother, Tracker } from "./tracking.js"

const WINDOW = 5 // seconds of the figures
const UNIT = 640 // length of a frame's longer side for the tracker
const MAX_ROWS = 50_000

export class Session {
  // `settings` are the component's data; they may change, but not the model.
  constructor(settings) {
    this.settings = settings
    this.tracker = new Tracker()
    this.smoother = new Smoother()
    this.histories = new Histories()
    this.calibrator = new Calibrator(settings.usual)
    this.faces = []
    this.times = [] // [time, milliseconds] of the answers of the last seconds
    this.rows = []
    Object.assign(this, { frames: 0, answered: 0, began: null })
  }

  // Takes the answer of the worker to a frame of this time, in seconds.
  update(time, { faces, width, height, all }) {
    this.began ??= time
    this.answered += 1
    this.times.push([time, all])
    while (this.times[0][0] < time - WINDOW) this.times.shift()
    const scale = UNIT / Math.max(width, height)
    const numbers = this.tracker.update(time, faces.map((face) => face.box.map((v) => v * scale)))
    const seen = new Map()
    faces.forEach((face, i) => { if (face.probabilities) seen.set(numbers[i], face.probabilities) })
    this.calibrator.update(time, seen, numbers[0])
    this.smoother.keep(this.tracker.faces.map((face) => face.number))
    this.faces = faces.map((face, i) => {
      const number = numbers[i]
      if (!face.probabilities) return { ...face, number, probabilities: this.smoother.states.get(number)?.values ?? null }
      const probabilities = this.smoother.update(number, time, this.calibrator.corrected(number, face.probabilities), this.settings.smoothing)
      this.histories.add(time, number, probabilities)
      if (this.rows.length < MAX_ROWS) this.rows.push(row({ file: "camera", frame: this.frames, time: (time - this.began).toFixed(3), face: number }, face, probabilities, this.settings))
      return { ...face, number, probabilities }
    }).sort((a, b) => a.number - b.number)
    this.histories.prune(time)
  }

  figures(now) {
    const durations = this.times.map(([, all]) => all).sort((a, b) => a - b)
    const seconds = Math.min(WINDOW, now - this.began)
    return {
      rate: this.times.length / Math.max(1, seconds),
      milliseconds: durations[durations.length >> 1] ?? 0,
      dropped: this.frames ? Math.max(0, 1 - this.answered / this.frames) : 0,
      settled: seconds >= WINDOW,
    }
  }
}
