// Figures and states as people read them.

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d`;
}

// Of a day: that of another says which.
export function clock(seconds) {
  const then = new Date(seconds * 1000);
  const time = then.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  if (then.toDateString() === new Date().toDateString()) return time;
  return `${then.toLocaleDateString(undefined, { day: "numeric", month: "short" })} ${time}`;
}

export function age(ms) {
  if (ms === null || ms === undefined) return "– ms";
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  return ms < 10000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms / 1000);
}

export function rate(kbit) {
  if (kbit === null || kbit === undefined) return "– kbit/s";
  if (kbit < 1000) return `${Math.round(kbit)} kbit/s`;
  return `${(kbit / 1000).toFixed(kbit < 10000 ? 1 : 0)} Mbit/s`;
}

export function bytes(count) {
  if (count < 1e6) return `${Math.round(count / 1e3)} kB`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(1)} GB`;
}

export const size = ({ width, height }) => (width > 0 ? `${width}×${height}` : "");

export const fps = (value) => (value === null ? "– fps" : `${value.toFixed(value < 10 ? 1 : 0)} fps`);

const CODECS = { jpeg: "JPEG", h264: "H.264", hevc: "HEVC", av1: "AV1", raw: "raw" };
export const codec = (name) => CODECS[name] ?? "";

export const tunnel = (viewer) => (viewer?.tunnel ? `tunnel ${viewer.tunnel.state}` : "");

// Why no picture comes, as half a sentence; "" where none is missing.
export function trouble(camera) {
  const since = camera.since ? ` since ${clock(camera.since)}` : "";
  if (camera.state === "lost")
    return `camera lost${since}${camera.reason ? `: ${camera.reason}` : ""}`;
  if (camera.state === "gone") return `its sender is gone${since}`;
  return camera.state === "silent" ? "its sender is there, and sends nothing" : "";
}

// "1 camera", "2 cameras", "no cameras".
export function count(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}
