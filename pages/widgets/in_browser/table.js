// The table of faces, with the columns of fer_core/inference/face_table.py.

// Returns the row of a face; `place` says in which picture it is.
export function row(place, { box, score, landmarks, rotation = 0 }, probabilities, settings) {
  const { labels, columns, unsureBelow, model, landmarkNames } = settings
  const best = probabilities.indexOf(Math.max(...probabilities))
  const [x, y, width, height] = box.map((v) => Math.round(v))
  const cells = { ...place, x, y, width, height, rotation, score: score.toFixed(4), warnings: "", model: model.name, model_version: model.version }
  Object.assign(cells, { label: new Map(columns).get(labels[best]), confidence: probabilities[best].toFixed(4) })
  cells.unsure = probabilities[best] < unsureBelow ? "True" : "False"
  landmarks.forEach((point, i) => point.forEach((v, j) => { cells[`${landmarkNames[i]}_${"xy"[j]}`] = v.toFixed(1) }))
  labels.forEach((label, i) => { cells[label] = probabilities[i].toFixed(4) })
  return cells
}

// Returns the row of a picture without a face.
export const emptyRow = (file, { model }) => ({
  file, frame: 1, face: 0, rotation: 0, unsure: "False", model: model.name, model_version: model.version, error: "No face was found.",
})

// Python hands over the names of the columns, and how they are written so that no spreadsheet takes them for a formula.
export function csv(rows, { columns }) {
  const cell = (value) => (/[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value)
  const line = (cells) => cells.map(cell).join(",")
  const text = (value) => (/^\s*[=+\-@＝＋－＠]|^[\t\r\n]/.test(value) ? `'${value}` : value)
  const value = (one, name) => (name === "file" ? text(one.file) : one[name] ?? "")
  return [line(columns.map(([, shown]) => shown)), ...rows.map((one) => line(columns.map(([name]) => value(one, name)))), ""].join("\r\n")
}
