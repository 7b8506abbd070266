// One camera on the page: its picture, the line of figures under it, its buttons.

import * as api from "./api.js";
import * as graph from "./graph.js";
import * as words from "./words.js";
import { Player } from "./player.js";
import { takeImages } from "./images.js";
import { viewerNow } from "./clock.js";

// A picture at rest comes once a second.
const STALE_S = 3;
const AGAIN_S = 6;
const RECORDING = ["on", "waiting", "full", "failed"];

const median = (values) => values.sort((one, other) => one - other)[values.length >> 1];

function show(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}

function name(button, text, key) {
  if (button.ariaLabel === text) return;
  button.ariaLabel = text;
  button.title = `${text} (${key})`;
}

export class Camera {
  ages = []; // of pictures drawn since the last look, in milliseconds
  graphAges = [];
  graphRates = [];
  drawnAt = 0; // when, by the viewer's clock in seconds
  watched = false;
  unable = false;

  // `page` has: feed, say(text), tell(text), enlarge(camera), connected, viewer.
  constructor(view, page) {
    this.id = view.id;
    this.page = page;
    const copy = document.getElementById("camera").content.cloneNode(true);
    this.element = copy.firstElementChild;
    this.element.dataset.camera = view.id;
    this.find = (selector) => this.element.querySelector(selector);
    this.player = new Player(this.find(".look canvas"), {
      age: (captured) => viewerNow() - captured,
      drawn: (captured) => this.drawn(captured),
      broken: () => page.feed.renew(this.id),
      unable: () => this.takeImages(),
    });
    this.listen();
    this.update(view);
  }

  listen() {
    const on = (selector, act) => this.find(selector).addEventListener("click", act);
    on(".look", () => this.page.enlarge(this));
    on(".snapshot", () => this.snapshot());
    on(".record", () => this.toggleRecording());
    on(".event", () => this.recordEvent());
    on(".full", () => this.fullScreen());
    this.find(".full").hidden = !document.fullscreenEnabled;
  }

  // Frames are fetched from now on, or no more.
  watch(wanted) {
    if (wanted === this.watched) return;
    this.watched = wanted;
    this.wantedSince = viewerNow() / 1000;
    if (this.unable) this.fetchImages();
    else if (wanted) this.page.feed.want(this.id, (record) => this.take(record));
    else this.rest();
  }

  take(record) {
    return record ? this.player.take(record) : this.player.begin();
  }

  rest() {
    this.page.feed.drop(this.id);
    this.player.stop();
  }

  // Where WebCodecs can't decode what comes, the viewer is asked for JPEGs.
  takeImages() {
    if (this.unable) return;
    this.unable = true;
    this.rest();
    this.fetchImages();
  }

  fetchImages() {
    const image = this.find(".look img");
    image.hidden = false;
    this.find(".look canvas").hidden = true;
    if (this.watched) this.images ??= takeImages(image, this.id, () => this.drawn(0));
    else this.images = this.images?.();
  }

  drawn(captured) {
    this.drawnAt = viewerNow() / 1000;
    if (captured > 0) this.ages.push(viewerNow() - captured);
    if (!this.element.classList.contains("seen")) {
      this.element.classList.add("seen");
      this.tick();
    }
  }

  // What the viewer says of it, each second.
  update(view) {
    const before = this.view;
    this.view = view;
    if (before?.name !== view.name) this.nameAll();
    this.element.dataset.state = view.state;
    show(this.find(".state"), view.state);
    if (before && before.state !== view.state) this.tellState(before.state);
    this.note();
    this.shape();
    this.showFigures();
    this.showRecording();
    this.tick();
  }

  shape() {
    const { width, height } = this.view;
    if (width > 0) this.element.style.setProperty("--own-shape", (width / height).toFixed(4));
  }

  nameAll() {
    const called = this.view.name;
    show(this.find(".name"), called);
    this.find(".name").title = called;
    this.find("article").ariaLabel = called;
    this.find(".tools").ariaLabel = called;
    name(this.find(".snapshot"), `Snapshot of ${called}`, "s");
    name(this.find(".event"), `Event at ${called}: record what led to it, and 30 seconds more`, "e");
    name(this.find(".full"), `${called} on the full screen`, "f");
    this.nameLook();
  }

  nameLook() {
    const enlarged = this.element.classList.contains("enlarged");
    this.find(".look").ariaLabel = enlarged
      ? `${this.view.name}, back to all cameras`
      : `Enlarge ${this.view.name}`;
  }

  tellState(before) {
    const trouble = words.trouble(this.view);
    if (trouble) this.page.tell(`${this.view.name}: ${trouble}`);
    else if (before !== "unwatched" && this.view.state === "live")
      this.page.tell(`${this.view.name} is back`);
  }

  // Of this browser's own pictures, where it knows their ages: what the eye gets.
  note() {
    const { state, latency_ms, rate_kbit } = this.view;
    const live = state === "live";
    this.age = this.ages.length > 0 ? median(this.ages) : (latency_ms?.p50 ?? null);
    this.ages = [];
    for (const [list, value] of [
      [this.graphAges, live ? this.age : null],
      [this.graphRates, live ? rate_kbit : null],
    ]) {
      list.push(value);
      if (list.length > graph.SAMPLES) list.shift();
    }
  }

  showFigures() {
    const { view } = this;
    const live = view.state === "live";
    show(this.find(".size"), words.size(view));
    show(this.find(".figures .fps"), live ? words.fps(view.fps) : "");
    for (const place of this.element.querySelectorAll(".age")) show(place, words.age(this.age));
    for (const place of this.element.querySelectorAll(".rate"))
      show(place, words.rate(live ? view.rate_kbit : 0));
    this.find(".figures .age").hidden = this.find(".figures .rate").hidden = !live;
    show(this.find(".codec"), words.codec(view.codec));
    show(this.find(".way"), words.tunnel(this.page.viewer));
    this.showGraphs();
  }

  showGraphs() {
    graph.spark(this.find(".spark"), this.graphAges, this.graphRates);
    if (!this.element.classList.contains("enlarged")) return;
    graph.ageChart(this.find(".age-chart"), this.graphAges);
    graph.rateChart(this.find(".rate-chart"), this.graphRates);
    this.showDetails();
  }

  showDetails() {
    const { view } = this;
    const ages = view.latency_ms ?? {};
    const rows = [
      ["Age at the viewer", `${words.age(ages.p50)} (p95 ${words.age(ages.p95)})`],
      ["Frames", view.frames.toLocaleString()],
      ["Dropped", view.dropped.toLocaleString()],
      ["Received", words.bytes(view.bytes)],
      ["Way", this.way()],
      ["Recording", this.recordingWords()],
    ];
    this.rows ??= rows.map(([term]) => this.addDetail(term));
    rows.forEach(([, text], i) => show(this.rows[i], text || "–"));
  }

  addDetail(term) {
    const pair = document.createElement("div");
    for (const kind of ["dt", "dd"]) pair.append(document.createElement(kind));
    pair.firstChild.textContent = term;
    this.find(".details dl").append(pair);
    return pair.lastChild;
  }

  way() {
    const { viewer } = this.page;
    if (!viewer?.tunnel) return "no tunnel";
    const { state, reconnects, reason } = viewer.tunnel;
    const again = reconnects > 0 ? `, ${words.count(reconnects, "reconnect", "reconnects")}` : "";
    return `tunnel ${state}${reason ? `: ${reason}` : ""}${again}`;
  }

  recordingWords() {
    const { recording } = this.view;
    if (!recording) return "not set up";
    if (recording.state === "on") return `${words.bytes(recording.bytes)} in ${recording.path}`;
    if (recording.state === "waiting") return recording.reason;
    return recording.reason ? `${recording.state}: ${recording.reason}` : recording.state;
  }

  showRecording() {
    const { recording } = this.view;
    const state = recording?.state ?? "off";
    const running = RECORDING.includes(state);
    const button = this.find(".record");
    this.element.dataset.recording = state;
    button.hidden = this.find(".event").hidden = !recording;
    button.ariaPressed = String(running);
    show(this.find(".record span"), running ? "Stop" : "Record");
    name(button, running ? `Stop recording ${this.view.name}` : `Record ${this.view.name}`, "r");
    show(this.find(".recording"), this.recordingMark());
  }

  recordingMark() {
    const { recording } = this.view;
    const now = viewerNow() / 1000;
    switch (recording?.state) {
      case "on":
        return recording.until
          ? `REC, ${words.duration(recording.until - now)} to go`
          : `REC ${words.duration(now - recording.since)}`;
      case "waiting":
        return `REC ${recording.reason}`;
      case "full":
        return `Not recording: ${recording.reason || "the disk is full"}`;
      case "failed":
        return `Not recording: ${recording.reason || "it can’t be written"}`;
      default:
        return "";
    }
  }

  // Since when there was no picture, and why; null where nothing is amiss.
  stale(now) {
    const last = Math.max(this.drawnAt, this.view.last ?? 0);
    const why = this.page.connected ? words.trouble(this.view) : "the connection to the viewer is lost";
    if (why) return { last, why };
    if (!this.watched || this.unable) return null;
    const since = Math.max(this.drawnAt, this.wantedSince);
    if (now - since < STALE_S) return null;
    this.askAgain(now);
    return { last: since, why: "its stream has stopped, and is asked for again" };
  }

  askAgain(now) {
    if (now - (this.askedAt ?? 0) < AGAIN_S) return;
    this.askedAt = now;
    this.page.feed.renew(this.id);
  }

  // The words over the last picture, which change by themselves.
  tick() {
    const now = viewerNow() / 1000;
    const stale = this.stale(now);
    this.element.classList.toggle("is-stale", stale !== null);
    this.find(".stale").hidden = !stale;
    if (!stale) return;
    const since = words.duration(now - stale.last);
    show(this.find(".stale-for"), stale.last > 0 ? `No picture for ${since}` : "No picture yet");
    show(this.find(".stale-why"), stale.why);
  }

  async snapshot() {
    try {
      const { name: file, age } = await api.snapshot(this.id);
      this.page.say(age > 1000 ? `Saved its last picture, ${words.age(age)} old: ${file}` : `Saved ${file}`);
    } catch (error) {
      this.page.say(`No snapshot of ${this.view.name}: ${error.message}`, true);
    }
  }

  async ask(action, seconds) {
    if (!this.view.recording)
      return this.page.say("Nothing can be recorded: start the viewer with --record DIR", true);
    try {
      this.view.recording = await api.record(this.id, action, seconds);
      this.showRecording();
    } catch (error) {
      this.page.say(`${this.view.name}: ${error.message}`, true);
    }
  }

  toggleRecording() {
    return this.ask(RECORDING.includes(this.view.recording?.state) ? "stop" : "start");
  }

  recordEvent() {
    return this.ask("event", 30);
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.find("article").requestFullscreen?.().catch(() => {});
  }

  setEnlarged(enlarged) {
    this.element.classList.toggle("enlarged", enlarged);
    this.nameLook();
    if (enlarged) requestAnimationFrame(() => this.showGraphs());
  }

  close() {
    this.watch(false);
    this.element.remove();
  }
}
