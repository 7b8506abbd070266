// The server's stream of frames, put together from whatever pieces the network makes of it:
// docs/WEB.md draws the header.

const HEADER = 28;
const LARGEST = 64 << 20; // more than any frame: what claims it is no stream of frames

export const JPEG = 2;

function header(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER);
  return {
    length: view.getUint32(0),
    kind: view.getUint8(4),
    keyframe: (view.getUint8(5) & 1) !== 0,
    width: view.getUint16(6),
    height: view.getUint16(8),
    camera: view.getUint16(10),
    captured: Number(view.getBigUint64(12)) / 1000, // milliseconds, UTC
  };
}

// Fills exact lengths from pieces, without joining more than it must.
class Bytes {
  pieces = [];
  length = 0;

  push(piece) {
    this.pieces.push(piece);
    this.length += piece.length;
  }

  take(length) {
    const taken = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      const piece = this.pieces[0];
      const part = piece.subarray(0, length - filled);
      taken.set(part, filled);
      filled += part.length;
      if (part.length === piece.length) this.pieces.shift();
      else this.pieces[0] = piece.subarray(part.length);
    }
    this.length -= length;
    return taken;
  }
}

// Yields each record of a response's body; throws when it ends or is none.
export async function* records(body) {
  const reader = body.getReader();
  const bytes = new Bytes();
  let record = null;
  for (;;) {
    while (!record ? bytes.length >= HEADER : bytes.length >= record.length) {
      if (!record) {
        record = header(bytes.take(HEADER));
        if (record.length > LARGEST) throw new Error("not a stream of frames");
      } else {
        record.data = bytes.take(record.length);
        yield record;
        record = null;
      }
    }
    const { done, value } = await reader.read();
    if (done) throw new Error("the stream has ended");
    bytes.push(value);
  }
}
