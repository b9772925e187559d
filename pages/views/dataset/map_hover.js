// The face beside the pointer on the map. The page sends a face when it is pointed at for a moment.

const REST = 80 // ms on a point before its face is asked for
const instances = new WeakMap()

function draw({ data, parentElement, setStateValue }) {
  let hover = instances.get(parentElement)
  if (!hover) instances.set(parentElement, (hover = start(parentElement.querySelector(".face"))))
  Object.assign(hover, data, { ask: (index) => setStateValue("index", index) })
  show(hover)
  return () => setTimeout(() => hover.image.isConnected || clearInterval(hover.search))
}

function start(image) {
  const hover = { image, wanted: null }
  // The chart is drawn after this, and again where its data change.
  hover.search = setInterval(() => {
    const plot = document.querySelector(`.st-key-${CSS.escape(hover.chart.replaceAll(/[^\w-]/g, "-"))} .js-plotly-plot`)
    if (!plot?.on || plot === hover.plot) return
    hover.plot = plot
    plot.on("plotly_hover", ({ points, event }) => {
      hover.wanted = [points[0].customdata].flat()[0]
      Object.assign(image.style, { left: `${event.clientX + 16}px`, top: `${event.clientY + 16}px` })
      clearTimeout(hover.timer)
      hover.timer = setTimeout(() => hover.wanted !== hover.index && hover.ask(hover.wanted), REST)
      show(hover)
    })
    plot.on("plotly_unhover", () => {
      clearTimeout(hover.timer)
      hover.wanted = null
      show(hover)
    })
  }, 300)
  return hover
}

function show({ image, wanted, index, picture }) {
  image.hidden = wanted === null || wanted !== index
  if (!image.hidden) image.src = picture
}
