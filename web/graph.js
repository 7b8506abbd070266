// Age and rate over the last two minutes, drawn small in a line and larger among the figures.

import * as words from "./words.js";

export const SAMPLES = 120; // one a second

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// The canvas in device pixels; null while it isn't shown.
function prepare(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (width === 0) return null;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return { context, width, height };
}

// Runs of neighbours that have a value, as [x, y].
function runs(values, top, { width, height }) {
  const found = [];
  let run = null;
  values.forEach((value, i) => {
    if (value === null) return (run = null);
    if (!run) found.push((run = []));
    const x = ((i + SAMPLES - values.length) / (SAMPLES - 1)) * width;
    run.push([x, height - 1 - (Math.min(value, top) / top) * (height - 3)]);
  });
  return found;
}

function area(drawing, values, top, fill) {
  const { context, height } = drawing;
  context.fillStyle = fill;
  for (const run of runs(values, top, drawing)) {
    context.beginPath();
    context.moveTo(run[0][0], height);
    for (const [x, y] of run) context.lineTo(x, y);
    context.lineTo(run.at(-1)[0] + 1, height);
    context.fill();
  }
}

function line(drawing, values, top, stroke, width = 1.5) {
  const { context } = drawing;
  context.strokeStyle = stroke;
  context.lineWidth = width;
  context.lineJoin = context.lineCap = "round";
  for (const run of runs(values, top, drawing)) {
    context.beginPath();
    context.moveTo(run[0][0], run[0][1]);
    for (const [x, y] of run) context.lineTo(x, y);
    if (run.length === 1) context.lineTo(run[0][0] + 0.5, run[0][1]);
    context.stroke();
  }
}

const known = (values) => values.filter((value) => value !== null);

// The first of 1, 2, 5, 10, … × unit that is above all values, but for a few: one peak reaches the
// top, and doesn't make all else flat.
function ceiling(values, unit) {
  const sorted = known(values).sort((one, other) => one - other);
  const largest = Math.max(unit, 1.2 * (sorted[Math.floor(sorted.length * 0.96)] ?? 0));
  const power = 10 ** Math.floor(Math.log10(largest / unit));
  return unit * power * ([1, 2, 5, 10].find((step) => step * power * unit >= largest) ?? 10);
}

function spread(values, say) {
  const sorted = known(values).sort((one, other) => one - other);
  if (sorted.length === 0) return "not known";
  return `${say(sorted[0])} to ${say(sorted.at(-1))}, now ${say(known(values).at(-1))}`;
}

function label(canvas, text) {
  if (canvas.getAttribute("aria-label") !== text) canvas.setAttribute("aria-label", text);
}

export function spark(canvas, ages, rates) {
  const spoken = `age ${spread(ages, words.age)}; rate ${spread(rates, words.rate)}`;
  label(canvas, `The last two minutes: ${spoken}`);
  const drawing = prepare(canvas);
  if (!drawing) return;
  area(drawing, rates, ceiling(rates, 100), colour("--area"));
  line(drawing, ages, ceiling(ages, 50), colour("--accent"));
}

function scale(drawing, top, say) {
  const { context, width, height } = drawing;
  context.strokeStyle = colour("--line");
  context.lineWidth = 1;
  for (const part of [0, 0.5, 1]) {
    const y = Math.round(height - 1 - part * (height - 3)) + 0.5;
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(width, y);
    context.stroke();
  }
  context.fillStyle = colour("--dim");
  context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  context.fillText(say(top), 2, 13);
}

function chart(canvas, values, unit, say, what, draw) {
  label(canvas, `${what} over the last two minutes: ${spread(values, say)}`);
  const drawing = prepare(canvas);
  if (!drawing) return;
  const top = ceiling(values, unit);
  draw(drawing, top);
  scale(drawing, top, say);
}

export function ageChart(canvas, ages) {
  chart(canvas, ages, 50, words.age, "Age", (drawing, top) =>
    line(drawing, ages, top, colour("--accent"), 1.8),
  );
}

export function rateChart(canvas, rates) {
  chart(canvas, rates, 100, words.rate, "Rate", (drawing, top) => {
    area(drawing, rates, top, colour("--area"));
    line(drawing, rates, top, colour("--dim"), 1.2);
  });
}
