// Live: whatever is drawn is read in the next frame, by the network in this page.
"use strict";

const live = {
  network: null, // as `unpackNetwork` returns it
  asked: false, // whether the drawing is read in the next frame
  told() {}, // called when an answer is shown
};

function resultOf(found, height, width) { // of images { box, image }
  const digits = found.map(({ box, image }) => ({ box, ...readImage(live.network, image) }));
  const texts = digits.map((digit) => digit.text);
  const text = texts.join(texts.every((word) => word.length === 1) ? "" : " ");
  return { text, digits, height, width, network: live.network };
}

function readDrawing() {
  if (!live.network) showBehind("Loading the network …");
  else if (board.strokes.length) show(resultOf(extractDigits(inkOfDrawing()), READ, READ));
  else show(NOTHING);
}

function readInNextFrame() {
  if (live.asked) return;
  live.asked = true;
  requestAnimationFrame(() => {
    live.asked = false;
    readDrawing();
  });
}

// For scripts and tests: what the network says of 784 bytes, 255 for ink, row by row.
window.mlp = { read: (image) => readImage(live.network, Uint8Array.from(image)) };
