// Report whether the page may use a camera: secure context, permission, number of cameras.

export default function({ parentElement, setStateValue }) {
  const report = async () => {
    const found = { secure: window.isSecureContext && !!navigator.mediaDevices, permission: "unknown", cameras: -1 }
    try {
      const permission = await navigator.permissions.query({ name: "camera" })
      found.permission = permission.state
      permission.onchange = report
    } catch {}  // Firefox before 131 does not know this name
    try {
      const devices = await navigator.mediaDevices.enumerateDevices()
      found.cameras = devices.filter((device) => device.kind === "videoinput").length
    } catch {}
    const text = JSON.stringify(found)
    const here = parentElement.querySelector("span")
    if (here.dataset.reported === text) return  // otherwise every run of the page would cause the next one
    here.dataset.reported = text
    setStateValue("found", found)
  }
  report()
}
