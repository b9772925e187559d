// Cards of runs: a click on a card selects it, its buttons open the run.

function draw({ data, parentElement, setTriggerValue, setStateValue }) {
  const list = parentElement.querySelector(".cards")
  // An answer that only repeats the selection comes late: drawing it would undo later clicks and lose the focus.
  const drawn = JSON.stringify(data.cards)
  if (list.drawn === drawn) return
  list.drawn = drawn
  const chosen = new Set(data.chosen)
  const element = (tag, text, kind = "") => {
    const made = document.createElement(tag)
    made.textContent = text
    made.className = kind
    return made
  }
  list.replaceChildren(...data.cards.map((card) => {
    const article = document.createElement("article")
    const select = element("button", "", "select")
    select.dataset.run = card.name
    select.setAttribute("aria-pressed", chosen.has(card.name))
    const state = element("i", card.state)
    state.dataset.colour = card.colour
    const texts = [card.details, card.about, card.note].filter(Boolean).map((text) => element("small", text))
    select.append(element("b", card.title), state, element("strong", card.accuracy), ...texts)
    select.onclick = () => {
      chosen.has(card.name) ? chosen.delete(card.name) : chosen.add(card.name)
      select.setAttribute("aria-pressed", chosen.has(card.name))
      setStateValue("chosen", [...chosen])
    }
    const action = (text, trigger) => {
      const button = element("button", text, "action")
      button.setAttribute("aria-label", `${text}: ${card.title}`)
      button.onclick = () => setTriggerValue(trigger, card.name)
      return button
    }
    const actions = document.createElement("div")
    actions.append(action("Watch", "watched"), action("Train again", "again"))
    article.append(select, actions)
    return article
  }))
}
