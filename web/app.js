// The page: which cameras there are, which of them are looked at, and what keys and buttons do.

import * as api from "./api.js";
import * as clock from "./clock.js";
import * as words from "./words.js";
import { Camera } from "./camera.js";
import { Feed } from "./feed.js";
import { Keys } from "./keys.js";
import { arrange } from "./layout.js";
import { initTheme, nextTheme } from "./theme.js";

const at = (id) => document.getElementById(id);
// The viewer tells of itself each second.
const SILENCE_MS = 5000;
const TOAST_MS = 6000;
const HEARD_FROM_MS = 10000;

const list = at("cameras");
const cameras = new Map(); // by id, in the viewer's order
let enlarged = null;

const page = {
  feed: new Feed(),
  connected: false,
  viewer: null,
  say,
  tell,
  enlarge: (camera) => enlarge(camera === enlarged ? null : camera),
};

function say(text, bad = false) {
  const toast = at("toast");
  toast.textContent = text;
  toast.classList.toggle("bad", bad);
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (toast.textContent = ""), TOAST_MS);
}

// To those who hear the page: what they would otherwise see.
function tell(text) {
  at("news").textContent = text;
}

// Only what is in sight is fetched: a camera at which nobody looks sends nothing.
const inSight = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) entry.target.inSight = entry.isIntersecting;
    watch();
  },
  { rootMargin: "80px" },
);

function watch() {
  for (const camera of cameras.values())
    camera.watch(page.connected && !document.hidden && camera.element.inSight === true);
}

function add(view) {
  const camera = new Camera(view, page);
  cameras.set(view.id, camera);
  list.append(camera.element);
  inSight.observe(camera.element);
  if (page.settled) tell(`${view.name} has come`);
}

function remove(camera) {
  if (camera === enlarged) showLarge(null);
  inSight.unobserve(camera.element);
  cameras.delete(camera.id);
  camera.close();
}

function update({ now, cameras: views, viewer }) {
  clock.heard(now);
  page.viewer = viewer;
  for (const camera of [...cameras.values()])
    if (!views.some((view) => view.id === camera.id)) remove(camera);
  for (const view of views)
    if (cameras.has(view.id)) cameras.get(view.id).update(view);
    else add(view);
  showBar();
  lay(); // a camera that comes tells the size of its pictures later, and may change it
  page.settled = true;
  follow();
}

function showBar() {
  const views = [...cameras.values()].map((camera) => camera.view);
  const missing = views.filter((view) => words.trouble(view)).length;
  const all = words.count(views.length || "no", "camera", "cameras");
  at("summary").textContent = missing > 0 ? `${all}, ${missing} without a picture` : all;
  const tunnel = at("tunnel");
  tunnel.hidden = !page.viewer?.tunnel;
  tunnel.textContent = words.tunnel(page.viewer);
  tunnel.title = page.viewer?.tunnel?.reason ?? "";
  tunnel.dataset.state = page.viewer?.tunnel?.state ?? "";
  at("empty").hidden = views.length > 0;
  list.hidden = views.length === 0;
  at("command").textContent = command();
  document.title = enlarged ? `${enlarged.view.name} · Sightline` : "Sightline";
}

// What is to be typed at a camera, as far as it can be told from here.
function command() {
  const { hostname } = location;
  const near = /^(localhost|127\.|\[::1\])/.test(hostname);
  return `sightline send 0 --ssh user@${near ? "viewer-host" : hostname}`;
}

function lay() {
  arrange(list, [...cameras.values()].map((camera) => camera.view), enlarged !== null);
}

const MARK = "#camera=";

// Which camera is enlarged stands in the address, so that a link leads to it, and the browser's own
// way back leads back.
function enlarge(camera) {
  const here = location.pathname + location.search;
  const there = camera ? here + MARK + camera.id : here;
  if (camera && !enlarged) history.pushState(null, "", there);
  else history.replaceState(null, "", there);
  follow();
}

function follow() {
  const { hash } = location;
  const id = hash.startsWith(MARK) ? hash.slice(MARK.length) : null;
  const camera = cameras.get(id) ?? null;
  if (camera !== enlarged) showLarge(camera);
}

function showLarge(camera) {
  const before = enlarged;
  enlarged = camera;
  before?.setEnlarged(false);
  camera?.setEnlarged(true);
  document.body.classList.toggle("one", camera !== null);
  at("back").hidden = camera === null;
  if (camera) list.scrollTo(0, 0);
  lay();
  showBar();
  (camera ?? before)?.find(".look").focus({ preventScroll: camera !== null });
}

// The camera that keys mean: the enlarged one, the one in focus, or the only one.
function meant() {
  const focused = document.activeElement?.closest?.(".camera")?.dataset.camera;
  return enlarged ?? cameras.get(focused) ?? (cameras.size === 1 ? [...cameras.values()][0] : null);
}

function connect() {
  const events = new EventSource("api/events");
  let heard = performance.now();
  events.addEventListener("cameras", (event) => {
    heard = performance.now();
    setConnected(true);
    update(JSON.parse(event.data));
  });
  const watchdog = setInterval(() => {
    if (events.readyState !== EventSource.CLOSED && performance.now() - heard < SILENCE_MS) return;
    clearInterval(watchdog);
    events.close();
    setConnected(false);
    setTimeout(connect, 1000);
  }, 1000);
  events.onerror = () => setConnected(false);
}

async function setConnected(connected) {
  if (connected === page.connected && page.asked) return;
  page.asked = true;
  page.connected = connected;
  watch();
  if (connected) clock.measure();
  const trouble = at("trouble");
  trouble.hidden = connected;
  if (connected) return;
  trouble.textContent = "Connection to the viewer lost. Trying again…";
  for (const camera of cameras.values()) camera.tick();
  if (!(await api.allowed()))
    trouble.textContent =
      "The viewer does not know this browser: open the link with the token that it printed when it started.";
}

async function copy() {
  try {
    await navigator.clipboard.writeText(at("command").textContent);
    say("Copied");
  } catch {
    getSelection().selectAllChildren(at("command"));
    say("Selected: copy it with Ctrl+C");
  }
}

function fullScreen() {
  if (enlarged) return enlarged.fullScreen();
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}

const keys = new Keys({
  cameras: () => [...cameras.values()],
  enlarged: () => enlarged,
  enlarge,
  meant,
  fullScreen,
  theme: () => say(nextTheme()),
  figures: () => document.body.classList.toggle("plain"),
});

at("back").addEventListener("click", () => enlarge(null));
at("theme").addEventListener("click", () => say(nextTheme()));
at("wall").addEventListener("click", fullScreen);
at("wall").hidden = !document.fullscreenEnabled;
at("help").addEventListener("click", () => keys.help());
at("copy").addEventListener("click", copy);
document.addEventListener("visibilitychange", watch);
window.addEventListener("popstate", follow);
new ResizeObserver(lay).observe(at("main"));
setInterval(() => {
  for (const camera of cameras.values()) camera.tick();
}, 1000);
setInterval(() => page.connected && !document.hidden && clock.measure(), HEARD_FROM_MS);
initTheme();
connect();
