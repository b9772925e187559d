// The component Burst: pictures of the camera while a button is held, and single ones for a live answer.
import { PictureCamera } from "./camera.js"

const [BETWEEN, MOST, WIDTH] = [200, 20, 480] // ms between the pictures of a burst, pictures, pixels
const [LIVE_BETWEEN, PATIENCE] = [400, 8000] // ms between live pictures, and until an answer counts as lost
const instances = new WeakMap()

// Called by pages/widgets/component.js.
export function draw({ data, parentElement, setTriggerValue }) {
  let burst = instances.get(parentElement)
  if (!burst) instances.set(parentElement, (burst = new Burst(parentElement.querySelector(".stills"))))
  burst.take(data, setTriggerValue)
  return () => setTimeout(() => burst.root.isConnected || burst.closeCamera())
}

class Burst extends PictureCamera {
  constructor(root) {
    super(root, "hint")
    Object.assign(this, { pictures: [], sent: 0, canvas: document.createElement("canvas") })
    this.shoot.onpointerdown = (event) => { this.shoot.setPointerCapture(event.pointerId); this.hold() }
    this.shoot.onpointerup = this.shoot.onpointercancel = this.shoot.onblur = () => this.release()
    this.shoot.onkeydown = ({ key, repeat }) => { if ((key === " " || key === "Enter") && !repeat) this.hold() }
    this.shoot.onkeyup = () => this.release()
    this.shoot.oncontextmenu = (event) => event.preventDefault() // a long touch
  }

  take(settings, send) {
    Object.assign(this, { settings, send })
    this.video.style.transform = "scaleX(-1)"
    if (!this.timer) this.shoot.textContent = `Hold to record: ${settings.label}`
    if (settings.answered >= this.sent) this.waiting = false
  }

  opened() {
    this.live = setInterval(() => this.ask(), LIVE_BETWEEN)
  }

  closed() {
    clearInterval(this.live)
    this.release()
  }

  hold() {
    if (this.timer || !this.stream) return
    this.pictures = []
    const record = () => {
      this.pictures.push(this.picture())
      this.hint.textContent = `${this.pictures.length} of at most ${MOST} pictures`
      if (this.pictures.length >= MOST) this.release()
    }
    this.timer = setInterval(record, BETWEEN)
    record()
  }

  release() {
    if (!this.timer) return
    clearInterval(this.timer)
    this.timer = null
    this.hint.textContent = ""
    this.send("burst", this.pictures)
  }

  // One picture at a time: the next one is sent after the answer to the last.
  ask() {
    const lost = performance.now() - this.asked > PATIENCE
    if (!this.settings.live || this.timer || document.hidden || (this.waiting && !lost)) return
    this.sent = Math.max(this.sent, this.settings.answered) + 1
    Object.assign(this, { waiting: true, asked: performance.now() })
    this.send("frame", { number: this.sent, picture: this.picture() })
  }

  picture() {
    const { videoWidth, videoHeight } = this.video
    Object.assign(this.canvas, { width: WIDTH, height: Math.round((WIDTH * videoHeight) / videoWidth) })
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height)
    return this.canvas.toDataURL("image/jpeg", 0.9).split(",")[1]
  }
}
