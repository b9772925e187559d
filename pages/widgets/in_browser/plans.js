// Keeps the plans that Python sends, each as the bytes of a component of its own: 16 characters that name the plan, and
// the plan. They stay until the tab is closed.
globalThis.ferExplorerPlans ??= {
  bytes: new Map(),
  waiting: [],

  put(bytes) {
    this.bytes.set(new TextDecoder().decode(bytes.subarray(0, 16)), bytes.slice(16))
    for (const resolve of this.waiting.splice(0)) resolve()
  },

  async get(name) {
    while (!this.bytes.has(name)) await new Promise((resolve) => this.waiting.push(resolve))
    return this.bytes.get(name)
  },
}
