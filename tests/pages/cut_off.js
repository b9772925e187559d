// The texts that reach beyond the window or beyond a part that hides the rest, and the values that are wider than
// their box. What scrolls by itself (tables, tabs) counts as seen.
() => {
  const main = document.querySelector("[data-testid=stMain]")
  const left = "svg, [role=tablist], [data-testid=stIconMaterial], [data-testid=stDataFrame]"
  const cut = []
  const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.textContent.trim() || !node.parentElement.offsetParent || node.parentElement.closest(left)) continue
    const range = document.createRange()
    range.selectNodeContents(node)
    let end = window.innerWidth
    for (let part = node.parentElement; part !== document.body; part = part.parentElement) {
      const { overflowX } = getComputedStyle(part)
      const box = part.getBoundingClientRect()
      const scrolls = part.scrollWidth > part.clientWidth + 1 && !part.contains(main)
      if (overflowX === "hidden" || overflowX === "clip") end = box.width < 2 ? Infinity : Math.min(end, box.right)
      else if (overflowX !== "visible" && scrolls && part !== main) end = Infinity
    }
    if (range.getBoundingClientRect().right > end + 1.5) cut.push(node.textContent.trim())
  }
  const wide = [...main.querySelectorAll("input")].filter((box) => box.clientWidth && box.scrollWidth > box.clientWidth + 1)
  return [...cut, ...wide.map((box) => box.value)]
}
