// The component Photos: files or pictures of the camera, classified one after another. Nothing leaves the tab.
import "./plans.js"
import { PictureCamera, save, sentence, startWorker } from "./camera.js"
import { csv, emptyRow, row } from "./table.js"
import { answer, drawBars, drawMarks } from "./drawing.js"

const SHOWN = 1200 // longer side of a shown picture
const plans = globalThis.ferExplorerPlans // of plans.js
const instances = new WeakMap()

// Called by pages/widgets/component.js.
export function draw({ data, parentElement }) {
  let stills = instances.get(parentElement)
  if (!stills) instances.set(parentElement, (stills = new Stills(parentElement.querySelector(".stills"))))
  stills.take(data)
  return () => setTimeout(() => stills.root.isConnected || stills.leave())
}

class Stills extends PictureCamera {
  constructor(root) {
    super(root, "pick", "files", "hint", "save", "clear", "results")
    Object.assign(this, { photos: [], waiting: [], count: 0 })
    this.files.onchange = () => this.add([...this.files.files].map((file) => ({ name: file.name, source: file })))
    this.shoot.onclick = () => this.shootPicture()
    this.save.onclick = () => save(new Blob([csv(this.photos.flatMap((photo) => photo.rows ?? []), this.settings)], { type: "text/csv" }), "faces.csv")
    this.clear.onclick = () => this.forget()
  }

  take(settings) {
    const before = this.settings
    this.settings = settings
    this.pick.hidden = settings.way !== "files"
    this.start.hidden = settings.way !== "camera"
    this.video.style.transform = settings.mirror ? "scaleX(-1)" : ""
    if (before && before.plans.model !== settings.plans.model) {
      this.endWorker()
      const again = this.photos
      this.forget()
      this.add(again)
    } else if (before) for (const photo of this.photos) this.show(photo)
  }

  async shootPicture() {
    const canvas = Object.assign(document.createElement("canvas"), { width: this.video.videoWidth, height: this.video.videoHeight })
    canvas.getContext("2d").drawImage(this.video, 0, 0)
    this.add([{ name: `picture ${++this.count}`, source: canvas }])
  }

  add(photos) {
    this.say("")
    for (const { name, source } of photos) {
      const photo = { name, source, element: document.createElement("figure") }
      this.photos.push(photo)
      this.waiting.push(photo)
      if (this.settings.way === "camera") this.results.prepend(photo.element)
      else this.results.append(photo.element)
    }
    this.files.value = ""
    this.clear.hidden = false
    if (!this.current) this.next()
  }

  async next() {
    const photo = (this.current = this.waiting.shift())
    this.hint.textContent = photo ? `Looking at ${photo.name} ...` : ""
    if (!photo) return
    try {
      photo.picture = await createImageBitmap(photo.source, { imageOrientation: "from-image" })
    } catch {
      photo.element.textContent = `${photo.name} cannot be read by this browser: choose JPEG, PNG, WebP or GIF, or upload it to the app.`
      return this.next()
    }
    this.worker ??= await this.work()
    const copy = await createImageBitmap(photo.picture)
    if (this.current === photo) this.worker?.postMessage({ photo: copy }, [copy])
  }

  async work() {
    const { settings } = this
    const [detector, model] = await Promise.all([plans.get(settings.plans.detector), plans.get(settings.plans.model)])
    let worker
    try {
      worker = startWorker({ detector, model })
    } catch {
      return this.fail("worker")
    }
    worker.onerror = () => this.fail(worker.ready ? "broken" : "worker")
    worker.onmessage = ({ data }) => {
      if (this.worker !== worker || !this.current) return
      if (data.problem) return this.fail(data.problem, data.message)
      worker.ready = true
      if (data.ready) return
      Object.assign(this.current, data)
      this.show(this.current)
      this.save.hidden = false
      this.next()
    }
    return worker
  }

  show(photo) {
    const { settings } = this
    if (!photo.faces) return
    const turns = new Set(photo.faces.map((face) => face.rotation))
    const [only] = turns
    const turn = turns.size === 1 && only % 90 === 0 ? only : 0
    const faces = photo.faces.map((face, i) => ({ ...face, number: i + 1, box: turn ? face.upright : face.box }))
    photo.rows = photo.faces.map((face, i) => row({ file: photo.name, frame: 1, face: i + 1 }, face, face.probabilities, settings))
    if (!photo.rows.length) photo.rows = [emptyRow(photo.name, settings)]
    const { picture } = photo
    const scale = Math.min(1, SHOWN / Math.max(picture.width, picture.height))
    const size = (turn % 180 ? [picture.height, picture.width] : [picture.width, picture.height]).map((length) => Math.round(scale * length))
    const marks = document.createElement("canvas")
    drawMarks(marks, faces.map((face) => ({ ...face, box: face.box.map((v) => v * scale) })), { width: size[0], height: size[1] }, { ...settings, mirror: false })
    const canvas = Object.assign(document.createElement("canvas"), { width: size[0], height: size[1] })
    const context = canvas.getContext("2d")
    context.translate(size[0] / 2, size[1] / 2)
    context.rotate((turn * Math.PI) / 180)
    context.scale(scale, scale)
    context.drawImage(picture, -picture.width / 2, -picture.height / 2)
    context.resetTransform()
    context.drawImage(marks, 0, 0)
    canvas.setAttribute("role", "img")
    canvas.setAttribute("aria-label", `${photo.name} with its faces`)
    const list = element("div", "")
    if (!faces.length) list.append(element("p", "No face was found."))
    for (const face of faces) {
      const turned = face.rotation ? ` (turned by ${face.rotation}°)` : ""
      list.append(element("h5", `Face ${face.number}: ${answer(face, settings)}${turned}`))
      const bars = list.appendChild(Object.assign(element("div", ""), { className: "bars" }))
      drawBars(bars, face.probabilities, settings)
    }
    const download = list.appendChild(element("button", "Download the picture"))
    download.onclick = () => canvas.toBlob((blob) => save(blob, `${photo.name.replace(/\.[^.]*$/, "")} faces.png`))
    photo.element.replaceChildren(element("figcaption", photo.name), canvas, list)
  }

  fail(problem, message) {
    this.endWorker()
    this.waiting = []
    this.current = null
    this.hint.textContent = ""
    this.say(sentence(problem))
    if (message) console.error(message)
  }

  endWorker() {
    this.worker?.terminate()
    this.worker = null
  }

  forget() {
    this.endWorker()
    Object.assign(this, { photos: [], waiting: [], current: null })
    this.hint.textContent = ""
    this.results.replaceChildren()
    this.clear.hidden = this.save.hidden = true
  }

  leave() {
    this.closeCamera()
    this.endWorker()
  }
}

const element = (kind, textContent) => Object.assign(document.createElement(kind), { textContent })
