// The viewer's clock as this browser sees it: ages are told by it, whatever the browser's own says.

const KEPT = 30;

// What the events' way took can't be told from one of them; the quickest of the last ones has waited
// for nothing, and the way there and back is measured beside it.
const differences = [];
const journeys = [];

function keep(list, value) {
  list.push(value);
  if (list.length > KEPT) list.shift();
}

// `now` is the viewer's, in seconds, as an event that has just come has it.
export function heard(now) {
  keep(differences, now * 1000 - Date.now());
}

export async function measure() {
  const began = performance.now();
  const answer = await fetch("healthz", { cache: "no-store" }).catch(() => null);
  if (answer?.ok) keep(journeys, performance.now() - began);
}

// The viewer's time, in milliseconds.
export function viewerNow() {
  if (differences.length === 0) return Date.now();
  const way = journeys.length === 0 ? 0 : Math.min(...journeys) / 2;
  return Date.now() + Math.max(...differences) + way;
}
