// What WebCodecs calls the video in a keyframe, read from its parameter sets.

const hex = (value) => value.toString(16).padStart(2, "0");

// The NAL units of Annex B, each without its start code.
function* nalUnits(bytes) {
  let start = -1;
  for (let i = 0; i + 2 < bytes.length; i++) {
    if (bytes[i] !== 0 || bytes[i + 1] !== 0 || bytes[i + 2] !== 1) continue;
    if (start >= 0) yield bytes.subarray(start, i);
    start = i + 3;
    i += 2;
  }
  if (start >= 0) yield bytes.subarray(start);
}

function unit(bytes, wanted) {
  for (const nal of nalUnits(bytes)) if (wanted(nal)) return nal;
  return null;
}

// Without the bytes that keep start codes out of the data.
function unescaped(nal, length) {
  const clean = [];
  for (let i = 0, zeros = 0; i < nal.length && clean.length < length; i++) {
    if (zeros >= 2 && nal[i] === 3) zeros = 0;
    else {
      zeros = nal[i] === 0 ? zeros + 1 : 0;
      clean.push(nal[i]);
    }
  }
  return clean.length === length ? clean : null;
}

function h264(bytes) {
  const sps = unit(bytes, (nal) => (nal[0] & 31) === 7);
  return sps && sps.length > 3 ? "avc1." + hex(sps[1]) + hex(sps[2]) + hex(sps[3]) : null;
}

function hevc(bytes) {
  const sps = unit(bytes, (nal) => ((nal[0] >> 1) & 63) === 33);
  const head = sps && unescaped(sps, 15);
  if (!head) return null;
  const [profile, level] = [head[3], head[14]];
  let compatible = 0; // written with its bits the other way round
  for (let bit = 0; bit < 32; bit++)
    if ((head[4 + (bit >> 3)] >> (7 - (bit & 7))) & 1) compatible += 2 ** bit;
  const constraints = head.slice(8, 14);
  while (constraints.length > 0 && constraints.at(-1) === 0) constraints.pop();
  const space = ["", "A", "B", "C"][profile >> 6];
  const tier = profile & 32 ? "H" : "L";
  const rest = constraints.map((byte) => "." + byte.toString(16).toUpperCase()).join("");
  return `hev1.${space}${profile & 31}.${compatible.toString(16).toUpperCase()}.${tier}${level}${rest}`;
}

const READERS = { 1: h264, 3: hevc, 4: () => "av01.0.12M.08" };

// Null where the keyframe doesn't say.
export const codecString = (kind, bytes) => READERS[kind]?.(bytes) ?? null;
