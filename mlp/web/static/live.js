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

// Of digits { box, found: { image, views, against } } as they were found.
function resultOf(found, height, width) {
  const digits = found.map((digit) => ({ ...digit, ...readDigit(live.network, altered(digit.found)) }));
  const texts = digits.map((digit) => digit.text);
  const text = texts.join(texts.every((word) => word.length === 1) ? "" : " ");
  return { text, digits, height, width, network: live.network };
}

function altered({ image, views, against }, alter = live.alter) {
  return { image: alter(image), views: views.map((view) => alter(view)), against };
}

const whyBehind = () => Object.values(live.behind).find((reason) => reason) || "";

function readAgain() { // what is looked at, by another network or altered otherwise
  const { digits, height, width } = shown.result;
  if (digits.length) show(resultOf(digits, height, width));
  else readDrawing();
}

function readDrawing() {
  if (!live.network) showBehind("Loading the network …");
  else if (board.strokes.length) show(resultOf(extractDigits(inkOfDrawing()).map(({ box, ...found }) => ({ box, found })), READ, READ));
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

// For scripts and tests: what the network says of 784 bytes, 255 for ink, row by row, alone.
window.mlp = { read: (image) => readDigit(live.network, { ...NO_DIGIT, image: Uint8Array.from(image) }) };
