// Matrix of classes whose cells, rows and columns are buttons; the arrow keys move between them.

function draw({ data, parentElement, setTriggerValue }) {
  const wrap = parentElement.querySelector(".wrap")
  const table = document.createElement("table")
  table.setAttribute("aria-label", data.title)
  const make = (parent, tag, text, attributes) => {
    const made = document.createElement(tag)
    if (text) made.textContent = text
    for (const name in attributes) made.setAttribute(name, attributes[name])
    parent.append(made)
    return made
  }
  make(table, "caption", data.columnTitle)
  const head = make(make(table, "thead"), "tr")
  make(head, "th", data.rowTitle, { class: "corner" })
  // A click changes the selection at once, since the next click may come before the page has answered. Until
  // then, data may arrive that answer an earlier click: they keep the selection of the browser.
  const early = wrap.clicks > data.clicks
  if (!early) wrap.clicks = data.clicks
  let chosen = early ? wrap.chosen : data.chosen
  const same = (row, column) => !!chosen && chosen[0] === row && chosen[1] === column
  const button = (parent, row, column, label) => {
    const made = make(parent, "button", "", { "aria-label": label, "aria-pressed": same(row, column), "data-place": row + "," + column, tabindex: -1, title: label })
    made.onclick = () => {
      if (chosen) at(...chosen)?.setAttribute("aria-pressed", false)
      wrap.chosen = chosen = same(row, column) ? null : [row, column]
      wrap.clicks += 1
      made.setAttribute("aria-pressed", !!chosen)
      setTriggerValue("clicked", { chosen, clicks: wrap.clicks })
    }
    return made
  }
  const named = (made, name, emoji) => { make(made, "span", emoji, { class: "emoji" }); make(made, "span", name, emoji ? { class: "name" } : {}) }
  data.columns.forEach((name, c) => named(button(make(head, "th", "", { scope: "col" }), -1, c, data.columnLabels[c]), name, data.columnEmoji[c]))
  const body = make(table, "tbody")
  data.rows.forEach((name, r) => {
    const line = make(body, "tr")
    named(button(make(line, "th", "", { scope: "row" }), r, -1, data.rowLabels[r]), name, data.rowEmoji[r])
    data.columns.forEach((_, c) => {
      const cell = button(make(line, "td"), r, c, data.labels[r][c])
      cell.style.setProperty("--c", data.colours[r][c])
      cell.style.setProperty("--t", data.texts[r][c])
      cell.textContent = data.shown[r][c]
    })
  })
  const at = (row, column) => table.querySelector(`[data-place="${row},${column}"]`)
  const focused = wrap.getRootNode().activeElement?.dataset.place
  const first = (chosen && at(...chosen)) || at(0, 0)
  if (first) first.tabIndex = 0
  table.onkeydown = (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key]
    if (!step || !event.target.dataset.place) return
    event.preventDefault()
    const [row, column] = event.target.dataset.place.split(",").map(Number)
    const next = at(row + step[0], column + step[1])
    if (next) { event.target.tabIndex = -1; next.tabIndex = 0; next.focus() }
  }
  wrap.replaceChildren(table)
  const again = focused && table.querySelector(`[data-place="${focused}"]`)
  if (again) { if (first) first.tabIndex = -1; again.tabIndex = 0; again.focus({ preventScroll: true }) }
}
