// Finds the faces of a photo with the second looks of fer_core/inference/detector.py: tiles of a large picture, smaller,
// turned, tilted and enlarged ones. Views are drawn by the browser, so boxes may differ from Python's by a pixel.
const MAX_SIDE = 1024
const [TILE, TILE_OVERLAP] = [1152, 160]
const [TILE_FACE, SMALL_FACE] = [80, 36]
const [ENLARGED_PIXELS, ENLARGED_OVERLAP] = [12_000_000, 54]
const [SURE, CLEAR, SECOND, FAINT] = [0.91, 0.85, 0.7, 0.6]
const [SMALL_SIDE, TURNED_SIDE, CLOSE_SIDE] = [300, 512, 224]
const QUARTERS = [0, 90, 180, 270]
const [TILTS, SLIGHT_TILTS] = [[45, 315], [15, 345]]
const REACHES = [2, 3] // side of a closer look in sides of the face
const CHECKED = 3

export class PhotoSearch {
  // `picture` is an ImageBitmap.
  constructor(detector, picture) {
    Object.assign(this, { detector, picture, uprights: new Map(), longest: Math.max(picture.width, picture.height) })
  }

  // Returns faces as Detector.detect does, with `rotation`: by how many degrees clockwise the picture has to be turned.
  faces() {
    let faces = this.whole(0)
    const best = () => Math.max(0, ...faces.map((face) => face.score))
    if (best() < SURE) faces = distinctFaces([...faces, ...this.search(SMALL_SIDE / this.longest, 0)])
    if (best() < SURE && faces.length) faces = this.checked(faces)
    if (!faces.length) faces = this.anywhere()
    if (!faces.length || Math.min(...faces.map((face) => face.box[2])) < SMALL_FACE) faces = distinctFaces([...faces, ...this.enlarged()])
    return faces.sort((a, b) => b.box[2] * b.box[3] - a.box[2] * a.box[3])
  }

  whole(rotation) {
    const scale = Math.min(1, MAX_SIDE / this.longest)
    const faces = this.search(scale, rotation)
    if (this.longest <= 1.25 * MAX_SIDE) return faces
    return distinctFaces([...faces, ...this.inTiles(1, rotation, (TILE_FACE * this.longest) / MAX_SIDE)])
  }

  // Searches tiles for faces of at most this width that no edge of a tile cuts.
  inTiles(scale, rotation, largest) {
    const { width, height } = this.picture
    const found = []
    for (const [y, h] of starts(height, scale)) for (const [x, w] of starts(width, scale)) {
      for (const face of this.search(scale, rotation, [x, y, w, h])) {
        const [left, top, wide, high] = face.box
        const inside = (x === 0 || left >= x) && (y === 0 || top >= y) && (x + w >= width || left + wide <= x + w) && (y + h >= height || top + high <= y + h)
        if (inside && wide <= largest && this.confirmed(face)) found.push(face)
      }
    }
    return found
  }

  enlarged() {
    const scale = Math.min(4, Math.sqrt(ENLARGED_PIXELS / (this.picture.width * this.picture.height)))
    return scale < 1.3 ? [] : this.inTiles(scale, 0, Infinity)
  }

  anywhere() {
    for (const rotations of [QUARTERS, TILTS]) {
      const looks = rotations.flatMap((rotation) => [SMALL_SIDE, TURNED_SIDE].flatMap((side) => this.search(Math.min(1, side / this.longest), rotation)))
      const found = distinctFaces(looks.filter((face) => this.confirmed(face)))
      if (!found.length) continue
      const { rotation } = found.reduce((a, b) => (b.score > a.score ? b : a))
      return rotation === 0 || rotation % 90 ? found : this.turned(rotation, found)
    }
    return []
  }

  turned(rotation, found) {
    return distinctFaces([...this.whole(rotation), ...this.search(SMALL_SIDE / this.longest, rotation), ...found.filter((face) => face.rotation === rotation)])
  }

  // Looks closer at the best faces: which of them are faces, and how is the picture turned?
  checked(faces) {
    const sums = [0, 0, 0, 0]
    const refused = new Set()
    for (const face of [...faces].sort((a, b) => b.score * b.box[2] - a.score * a.box[2]).slice(0, CHECKED)) {
      const scores = this.inAllTurns(face)
      const tilted = () => SLIGHT_TILTS.some((tilt) => REACHES.some((reach) => this.closer(face, tilt, reach) >= FAINT))
      if (face.score < CLEAR && Math.max(...scores) < FAINT && !tilted()) refused.add(face)
      else scores.forEach((score, i) => { sums[i] += score })
    }
    const rotation = QUARTERS[sums.indexOf(Math.max(...sums))]
    const left = faces.filter((face) => !refused.has(face))
    return rotation ? this.turned(rotation, []) : left
  }

  inAllTurns(face) {
    const [near, far] = REACHES.map((reach) => () => QUARTERS.map((rotation) => this.closer(face, rotation, reach)))
    const scores = near()
    return Math.max(...scores) < FAINT ? far() : scores
  }

  confirmed(face) {
    return face.score >= CLEAR || REACHES.some((reach) => this.closer(face, face.rotation, reach) >= SECOND)
  }

  closer(face, rotation, reach) {
    const [x, y, w, h] = face.box
    const side = Math.max(8, Math.round(reach * Math.max(w, h)))
    const part = [Math.round(x + w / 2 - side / 2), Math.round(y + h / 2 - side / 2), side, side]
    return Math.max(0, ...this.search(CLOSE_SIDE / side, rotation, part).filter((other) => sameFace(other, face)).map((other) => other.score))
  }

  // Returns the faces of a part of the picture that is scaled and turned, in pixels of the picture.
  search(scale, rotation, part) {
    const { context, back } = this.view(scale, rotation, part)
    return this.detector.detect(context.getImageData(0, 0, context.canvas.width, context.canvas.height), Infinity).map(({ box: [x, y, w, h], score, landmarks }) => {
      const [u, v] = back([x + w / 2, y + h / 2])
      const [wide, high] = (rotation % 180 === 90 ? [h, w] : [w, h]).map((length) => length / scale)
      return { box: [u - wide / 2, v - high / 2, wide, high], score, landmarks: landmarks.map(back), rotation }
    })
  }

  view(scale, rotation, [x, y, w, h] = [0, 0, this.picture.width, this.picture.height]) {
    const angle = (rotation * Math.PI) / 180
    const [cosine, sine] = [Math.cos(angle), Math.sin(angle)]
    const wide = Math.max(1, Math.round(scale * (Math.abs(w * cosine) + Math.abs(h * sine))))
    const high = Math.max(1, Math.round(scale * (Math.abs(w * sine) + Math.abs(h * cosine))))
    const context = new OffscreenCanvas(wide, high).getContext("2d", { willReadFrequently: true })
    context.fillStyle = "#808080"
    context.fillRect(0, 0, wide, high)
    context.imageSmoothingQuality = "high"
    context.translate(wide / 2, high / 2)
    context.rotate(angle)
    context.scale(scale, scale)
    context.drawImage(this.picture, -x - w / 2, -y - h / 2)
    const back = ([u, v]) => {
      const [a, b] = [(u - wide / 2) / scale, (v - high / 2) / scale]
      return [a * cosine + b * sine + x + w / 2, b * cosine - a * sine + y + h / 2]
    }
    return { context, back }
  }

  // Returns the pixels of the upright picture, and the box of the face there.
  upright({ box: [x, y, w, h], rotation }) {
    if (!this.uprights.has(rotation)) {
      const { context, back } = this.view(1, rotation)
      const { width, height } = context.canvas
      this.uprights.set(rotation, { pixels: context.getImageData(0, 0, width, height), origin: back([0, 0]) })
    }
    const { pixels, origin } = this.uprights.get(rotation)
    const angle = (rotation * Math.PI) / 180
    const [a, b] = [x + w / 2 - origin[0], y + h / 2 - origin[1]]
    const [u, v] = [a * Math.cos(angle) - b * Math.sin(angle), a * Math.sin(angle) + b * Math.cos(angle)]
    const [wide, high] = rotation % 180 === 90 ? [h, w] : [w, h]
    return [pixels, [u - wide / 2, v - high / 2, wide, high]]
  }
}

function starts(length, scale) {
  const [side, overlap] = [Math.round(TILE / scale), Math.max(ENLARGED_OVERLAP, Math.round(TILE_OVERLAP / scale))]
  const count = Math.max(1, Math.round((length - overlap) / (side - overlap)))
  const tile = Math.ceil((length + (count - 1) * overlap) / count)
  return count === 1 ? [[0, length]] : Array.from({ length: count }, (_, i) => [Math.round((i * (length - tile)) / (count - 1)), tile])
}

function sameFace({ box: [ax, ay, aw, ah] }, { box: [bx, by, bw, bh] }) {
  const [across, down] = [Math.min(ax + aw, bx + bw) - Math.max(ax, bx), Math.min(ay + ah, by + bh) - Math.max(ay, by)]
  return across > 0 && down > 0 && across * down > 0.5 * Math.min(aw * ah, bw * bh)
}

function distinctFaces(faces) {
  const kept = []
  for (const face of faces.sort((a, b) => b.score - a.score)) if (!kept.some((other) => sameFace(other, face))) kept.push(face)
  return kept
}
