// For browsers that can't decode what comes: the viewer's JPEGs, as streams for a few cameras, and
// for the others one a second, since each stream keeps a connection of the six that there are.

import { mjpeg, snapshotAddress } from "./api.js";

const STREAMS = 3;
const AGAIN_MS = 2000;
const POLL_MS = 1000;
const BLANK = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

export let streams = 0; // that there are now

// Fills the image, and tells of each that came. What it returns ends that.
export function takeImages(image, id, drawn) {
  const streamed = streams < STREAMS;
  let timer = null;
  if (streamed) streams++;

  const load = () => {
    image.src = streamed ? mjpeg(id) : `${snapshotAddress(id)}?${Date.now()}`;
  };
  image.onload = () => {
    drawn();
    if (!streamed) timer = setTimeout(load, POLL_MS);
  };
  image.onerror = () => {
    timer = setTimeout(load, AGAIN_MS);
  };
  load();

  return () => {
    clearTimeout(timer);
    image.onload = image.onerror = null;
    image.src = BLANK; // ends the connection
    if (streamed) streams--;
  };
}
