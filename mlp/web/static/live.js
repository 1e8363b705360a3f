// Live: whatever is drawn is read in the next frame, by the network in this page.
"use strict";

const live = {
  network: null, // as `unpackNetwork` returns it
  asked: false, // whether the drawing is read in the next frame
  behind: { picture: "", model: "", moment: "" }, // why what is shown is not of those chosen, while that is to come
  told: [], // what is called when an answer is shown
  alter: (image) => image, // what is done to an image before it is read
  altered: () => "", // the same in words
};

function resultOf(images, height, width) { // of images { box, found } as they were found
  const digits = images.map(({ box, found }) => ({ box, found, ...readImage(live.network, live.alter(found)) }));
  const texts = digits.map((digit) => digit.text);
  const text = texts.join(texts.every((word) => word.length === 1) ? "" : " ");
  return { text, digits, height, width, network: live.network };
}

const whyBehind = () => Object.values(live.behind).find((reason) => reason) || "";

function readAgain() { // what is looked at, by another network or altered otherwise
  const { digits, height, width } = shown.result;
  if (digits.length) show(resultOf(digits, height, width));
  else readDrawing();
}

function readDrawing() {
  if (!live.network) showBehind("Loading the network …");
  else if (board.strokes.length) show(resultOf(extractDigits(inkOfDrawing()).map(({ box, image }) => ({ box, found: image })), READ, READ));
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
