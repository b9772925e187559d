// The component that takes a plan; it may be loaded before those that use it, or after.
import "./plans.js"

export default function ({ data }) {
  globalThis.ferExplorerPlans.put(new Uint8Array(data))
}
