// What the page asks of the viewer's API.

async function sentence(answer) {
  const body = await answer.json().catch(() => null);
  return body?.error ?? `the viewer answered with status ${answer.status}`;
}

async function ask(path, options) {
  const answer = await fetch(path, { cache: "no-store", ...options }).catch(() => null);
  if (!answer) throw new Error("the viewer can’t be reached");
  if (!answer.ok) throw new Error(await sentence(answer));
  return answer;
}

const place = (id, what) => `api/cameras/${encodeURIComponent(id)}/${what}`;

export const mjpeg = (id) => place(id, "stream");
export const snapshotAddress = (id) => place(id, "snapshot.jpg");

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// Saves the newest picture as a file; tells its name, and its age where it is an old one.
export async function snapshot(id) {
  const answer = await ask(`${snapshotAddress(id)}?download`);
  const said = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "");
  const time = new Date().toISOString().replace(/[-:]/g, "");
  const name = said?.[1] ?? `${id}_${time}.jpg`;
  save(await answer.blob(), name);
  return { name, age: Number(answer.headers.get("X-Sightline-Age-Ms") ?? 0) };
}

// `action` is start, stop or event; tells how the recording is then.
export async function record(id, action, seconds) {
  const answer = await ask(place(id, "record"), {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Sightline": "1" },
    body: JSON.stringify({ action, seconds }),
  });
  return answer.json();
}

// Whether the viewer takes this browser for somebody who may look.
export async function allowed() {
  const answer = await fetch("api/cameras", { cache: "no-store" }).catch(() => null);
  return answer?.status !== 401;
}
