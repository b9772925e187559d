// Removes from the answers what a model sees in a person's face at rest; fer_core/live/neutral.py gives the method.
// Times are in seconds.

const CALIBRATION = 3
const LEAST = 1e-3 // smaller probabilities are clipped, since their logarithms would dominate the mean
const LIMIT = Math.log(20) // a probability is multiplied or divided by at most 20
const MIN_SHARE = 0.5 // of the seconds in which the face must have been in view
const GAP = 1 // a longer pause between two frames was not in view
const GONE = 2 // after which a single face in view counts as the calibrated person

export class Calibrator {
  // `usual` are the model's mean log probabilities for neutral faces.
  constructor(usual) {
    this.usual = usual
    this.forget()
  }

  begin(now) {
    this.forget()
    this.ends = now + CALIBRATION
  }

  forget() {
    Object.assign(this, { ends: null, looks: [], face: null, shift: null, seen: 0, inView: 0, problem: null })
  }

  // `faces` are the probabilities by number; `largest` is the number of the largest face or undefined.
  update(now, faces, largest) {
    const single = faces.size === 1
    if (this.ends !== null) {
      if (this.face === null || (!faces.has(this.face) && single)) [this.face, this.seen] = [largest ?? null, now]
      if (faces.has(this.face)) {
        this.looks.push(faces.get(this.face).map((p) => Math.log(Math.max(p, LEAST))))
        this.inView += Math.min(now - this.seen, GAP)
        this.seen = now
      }
      if (now >= this.ends) this.finish()
    } else if (faces.has(this.face)) this.seen = now
    else if (this.shift && single && now > this.seen + GONE) [this.face, this.seen] = [[...faces.keys()][0], now]
  }

  finish() {
    this.ends = null
    if (this.inView < MIN_SHARE * CALIBRATION) {
      this.face = null
      this.problem = `The face was in view for only ${this.inView.toFixed(1)} of ${CALIBRATION} seconds: look into the camera and try again.`
    } else {
      const share = this.inView / (this.inView + 1)
      this.shift = this.usual.map((usual, i) => {
        const mean = this.looks.reduce((sum, look) => sum + look[i], 0) / this.looks.length
        return Math.max(-LIMIT, Math.min(LIMIT, share * (mean - usual)))
      })
    }
    this.looks = []
  }

  corrected(number, probabilities) {
    if (!this.shift || number !== this.face) return probabilities
    const moved = probabilities.map((p, i) => Math.exp(Math.log(Math.max(p, 1e-12)) - this.shift[i]))
    const sum = moved.reduce((a, b) => a + b)
    return moved.map((p) => p / sum)
  }
}
