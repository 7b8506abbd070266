// The connections by which frames come. Browsers open six to a host, and the page needs two of them
// for all else: so a few cameras have one each, and many share one, beside those that have images.

import { streams } from "./images.js";
import { records } from "./records.js";

const CONNECTIONS = 4;
const AGAIN_MS = [250, 500, 1000, 2000, 4000];
// The server gives a sign of life each second.
const SILENCE_MS = 6000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function address(ids) {
  const names = ids.map(encodeURIComponent);
  return ids.length === 1
    ? `api/cameras/${names[0]}/stream?as=frames`
    : `api/streams?camera=${names.join(",")}`;
}

// One connection, which is made again until it is closed.
class Connection {
  constructor(ids, deliver) {
    this.ids = ids;
    this.deliver = deliver;
    this.closed = false;
    this.run();
  }

  close() {
    this.closed = true;
    this.request?.abort();
  }

  // Frames from a keyframe on.
  renew() {
    this.renewing = true;
    this.request?.abort();
  }

  async run() {
    for (let failures = 0; !this.closed; ) {
      const began = performance.now();
      await this.read().catch(() => {});
      if (this.closed) return;
      // A stream that has run for a while has earned a quick return.
      failures = performance.now() - began > 5000 ? 0 : failures + 1;
      await pause(this.renewing ? 100 : AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)]);
      this.renewing = false;
    }
  }

  async read() {
    this.request = new AbortController();
    let alive = performance.now();
    const watch = setInterval(() => {
      if (performance.now() - alive > SILENCE_MS) this.request.abort();
    }, 1000);
    try {
      const answer = await fetch(address(this.ids), { signal: this.request.signal });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      for (const id of this.ids) this.deliver(id, null);
      for await (const record of records(answer.body)) {
        alive = performance.now();
        if (this.closed) return;
        const id = this.ids[record.camera];
        if (record.data.length > 0 && id !== undefined) await this.deliver(id, record);
      }
    } finally {
      clearInterval(watch);
      this.request.abort();
    }
  }
}

export class Feed {
  wanted = new Map();
  dropped = new Set(); // since the last plan: who is wanted again begins anew
  connections = [];

  // `take` gets each record of that camera, and null where a stream begins; what it returns is
  // waited for.
  want(id, take) {
    this.wanted.set(id, take);
    this.plan();
  }

  drop(id) {
    if (!this.wanted.delete(id)) return;
    this.dropped.add(id);
    this.plan();
  }

  renew(id) {
    this.connections.find((connection) => connection.ids.includes(id))?.renew();
  }

  // What comes and goes together, as it scrolls, is planned for together.
  plan() {
    this.planned ??= setTimeout(() => {
      this.planned = null;
      this.arrange();
    }, 60);
  }

  arrange() {
    const kept = [];
    for (const connection of this.connections) {
      const ids = connection.ids.filter((id) => this.wanted.has(id));
      if (!connection.ids.some((id) => this.dropped.has(id))) kept.push(connection);
      else {
        connection.close();
        if (ids.length > 1) kept.push(this.open(ids));
      }
    }
    this.dropped.clear();
    const served = new Set(kept.flatMap((connection) => connection.ids));
    const others = [...this.wanted.keys()].filter((id) => !served.has(id));
    const most = Math.max(1, CONNECTIONS - streams);
    this.connections = kept;
    if (kept.length + others.length <= most)
      for (const id of others) this.connections.push(this.open([id]));
    else if (kept.length < most) this.connections.push(this.open(others));
    else {
      for (const connection of kept) connection.close();
      this.connections = [this.open([...this.wanted.keys()])];
    }
  }

  open(ids) {
    return new Connection(ids, (id, record) => this.wanted.get(id)?.(record));
  }
}
