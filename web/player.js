// Decodes one camera's frames and draws the newest, as soon as there is one: nothing evens them out.

import { codecString } from "./codecs.js";
import { JPEG } from "./records.js";

// Frames that may wait for the decoder: with more it is too slow, and goes on at a keyframe;
const QUEUE = 30;
// how old frames may be, while what led to now is caught up with, without being shown,
const OLD_MS = 1000;
// and for how long that may go on.
const CATCH_UP_MS = 1500;
const NOTES = 600;
// Failures without a picture between them after which the decoder is given up.
const FAILURES = 5;

// `drawn(captured)` is told of each picture that was drawn, `broken()` that frames are wanted from a
// keyframe on, `unable()` that this browser can't decode what comes. `age(captured)` tells a frame's.
export class Player {
  constructor(canvas, { drawn, broken, unable, age }) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    Object.assign(this, { drawn, broken, unable, age });
  }

  // Frames of before don't count any more.
  begin() {
    this.began = performance.now();
    this.codec = null;
    this.closeDecoder();
  }

  stop() {
    this.begin();
    this.waiting = null;
    this.discard();
  }

  // Waited for by whoever has more: decoding itself isn't.
  async take(record) {
    if (record.kind === JPEG) {
      this.closeDecoder();
      this.takeJpeg(record);
      return;
    }
    if (record.keyframe && !(await this.prepare(record))) return;
    if (this.decoder?.state !== "configured") return;
    if (this.began === null && this.decoder.decodeQueueSize > QUEUE) return this.fail();
    try {
      this.decoder.decode(
        new EncodedVideoChunk({
          type: record.keyframe ? "key" : "delta",
          timestamp: this.note(record),
          data: record.data,
        }),
      );
    } catch {
      this.fail();
    }
  }

  // The decoder hands back a frame's time stamp and nothing else of it: so that is a number here,
  // under which the rest stands.
  note({ captured, width, height }) {
    this.stamp = (this.stamp ?? 0) + 1;
    this.notes.set(this.stamp, { captured, width, height });
    if (this.notes.size > NOTES) this.notes.delete(this.notes.keys().next().value);
    return this.stamp;
  }

  fail() {
    this.closeDecoder();
    this.failures = (this.failures ?? 0) + 1;
    if (this.failures > FAILURES) this.unable();
    else this.broken();
  }

  // Whether the decoder suits this keyframe now.
  async prepare(record) {
    const codec = codecString(record.kind, record.data);
    if (codec === null) return this.codec !== null;
    if (codec === this.codec && this.decoder?.state === "configured") return true;
    const config = { codec, optimizeForLatency: true };
    if (!(await supported(config))) {
      this.unable();
      return false;
    }
    this.closeDecoder();
    this.notes = new Map();
    this.decoder = new VideoDecoder({
      output: (frame) => {
        const record = this.notes.get(frame.timestamp);
        this.notes.delete(frame.timestamp);
        this.offer(frame, record);
      },
      error: () => this.fail(),
    });
    this.decoder.configure(config);
    this.codec = codec;
    return true;
  }

  // One JPEG is decoded at a time; of those that come meanwhile the newest is next.
  async takeJpeg(record) {
    this.waiting = record;
    if (this.decoding) return;
    this.decoding = true;
    while (this.waiting) {
      const next = this.waiting;
      this.waiting = null;
      const picture = await createImageBitmap(new Blob([next.data])).catch(() => null);
      if (picture) this.offer(picture, next);
    }
    this.decoding = false;
  }

  // The newest waits for the screen; an older one that still does has had its time.
  offer(picture, record) {
    this.discard();
    if (!record || this.catchingUp(record)) return picture.close();
    this.ready = { picture, record };
    this.asked ??= requestAnimationFrame(() => this.draw());
  }

  catchingUp(record) {
    if (this.began === null) return false;
    const over = performance.now() - this.began > CATCH_UP_MS;
    if (!over && record.captured > 0 && this.age(record.captured) > OLD_MS) return true;
    this.began = null;
    return false;
  }

  draw() {
    this.asked = null;
    if (!this.ready) return;
    const { picture, record } = this.ready;
    // Smaller pictures, on a slow way, are shown in the camera's own size.
    const width = record.width || picture.displayWidth || picture.width;
    const height = record.height || picture.displayHeight || picture.height;
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.context.drawImage(picture, 0, 0, width, height);
    this.discard();
    this.failures = 0;
    this.drawn(record.captured);
  }

  discard() {
    this.ready?.picture.close();
    this.ready = null;
  }

  closeDecoder() {
    if (this.decoder && this.decoder.state !== "closed") this.decoder.close();
    this.decoder = null;
    this.codec = null;
  }
}

async function supported(config) {
  // Not there in an insecure context: plain HTTP from another machine.
  if (typeof VideoDecoder === "undefined") return false;
  try {
    return (await VideoDecoder.isConfigSupported(config)).supported;
  } catch {
    return false;
  }
}
