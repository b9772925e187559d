// What the page knows of a running video: faces with numbers, smoothed and calibrated; figures; rows of the CSV.
import { Calibrator, Histories, Smoother, Tracker } from "./tracking.js"

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
      if (this.rows.length < MAX_ROWS) this.rows.push(this.row(time, number, face, probabilities))
      return { ...face, number, probabilities }
    }).sort((a, b) => a.number - b.number)
    this.histories.prune(time)
  }

  row(time, face, { box, score, landmarks }, probabilities) {
    const { labels, columns, unsureBelow, model, landmarkNames } = this.settings
    const shown = new Map(columns)
    const best = probabilities.indexOf(Math.max(...probabilities))
    const [x, y, width, height] = box.map((v) => Math.round(v))
    const row = { file: "camera", frame: this.frames, time: (time - this.began).toFixed(3), face, x, y, width, height, rotation: 0 }
    Object.assign(row, { score: score.toFixed(4), label: shown.get(labels[best]), confidence: probabilities[best].toFixed(4) })
    Object.assign(row, { unsure: probabilities[best] < unsureBelow ? "True" : "False", model: model.name, model_version: model.version })
    landmarks.forEach((point, i) => point.forEach((v, j) => { row[`${landmarkNames[i]}_${"xy"[j]}`] = v.toFixed(1) }))
    labels.forEach((label, i) => { row[label] = probabilities[i].toFixed(4) })
    return row
  }

  // Python hands over the names of the columns, and has made them harmless for spreadsheets.
  csv() {
    const cell = (value) => (/[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value)
    const lines = this.rows.map((row) => this.settings.columns.map(([name]) => cell(row[name] ?? "")).join(","))
    return [this.settings.columns.map(([, shown]) => cell(shown)).join(","), ...lines, ""].join("\r\n")
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
