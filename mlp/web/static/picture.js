// A picture of the answer to keep or to send: the drawing, what was read, and the probabilities.
"use strict";

const CARD = { width: 960, height: 540, margin: 40, most: 10 };

function drawCard({ text, digits }) {
  const card = document.createElement("canvas");
  [card.width, card.height] = [CARD.width, CARD.height];
  const context = card.getContext("2d");
  const write = (words, x, y, font, colour, room = CARD.width) => {
    context.font = `${font} system-ui, sans-serif`;
    context.fillStyle = colour;
    context.fillText(words, x, y, room);
  };
  context.fillStyle = "#f6f5f2";
  context.fillRect(0, 0, CARD.width, CARD.height);
  const side = CARD.height - 2 * CARD.margin - 30;
  context.fillStyle = "#fff";
  context.fillRect(CARD.margin, CARD.margin, side, side);
  drawBoard(context, CARD.margin, side);
  context.strokeStyle = "#c9c7c1";
  context.strokeRect(CARD.margin, CARD.margin, side, side);
  const left = side + 2 * CARD.margin;
  const room = CARD.width - CARD.margin - left;
  write(text || "nothing", left, CARD.margin + 78, "650 92px", "#1c1c1e", room);
  write(byId("certainty").textContent, left, CARD.margin + 116, "22px", "#5d5d63", room);
  const digit = digits[shown.chosen];
  if (digit) drawBars(context, write, digit, left, CARD.margin + 140, room);
  write(byId("about").textContent, CARD.margin, CARD.height - 28, "17px", "#5d5d63", CARD.width - 2 * CARD.margin);
  return card;
}

function drawBoard(context, at, side) { // the picture that was given, or the drawing
  context.save();
  context.translate(at, at);
  const photo = byId("photo");
  if (board.hasPicture() && photo && photo.naturalWidth) {
    const scale = side / Math.max(photo.naturalWidth, photo.naturalHeight);
    const [width, height] = [photo.naturalWidth * scale, photo.naturalHeight * scale];
    context.drawImage(photo, (side - width) / 2, (side - height) / 2, width, height);
  } else {
    drawStrokes(context, side, penWidth());
  }
  context.restore();
}

function drawBars(context, write, digit, left, top, room) {
  const { names } = live.network;
  const order = [...names.keys()].sort((a, b) => digit.probabilities[b] - digit.probabilities[a]);
  const most = order.slice(0, CARD.most).sort((a, b) => a - b); // the likeliest, in their own order
  const label = Math.max(...most.map((i) => names[i].length)) > 2 ? 110 : 34;
  const height = Math.min(30, (CARD.height - top - 2 * CARD.margin) / most.length);
  most.forEach((i, row) => {
    const y = top + row * height;
    const length = room - label - 80;
    write(names[i], left, y + 0.72 * height, i === order[0] ? "700 18px" : "18px", "#1c1c1e", label - 10);
    context.fillStyle = "#e6e4df";
    context.fillRect(left + label, y + 4, length, height - 8);
    context.fillStyle = "#2f6fd0";
    context.fillRect(left + label, y + 4, length * digit.probabilities[i], height - 8);
    write(percent(digit.probabilities[i]), left + room - 70, y + 0.72 * height, "17px", "#5d5d63", 70);
  });
}

byId("save").addEventListener("click", () => {
  drawCard(shown.result).toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `read-${shown.result.text.replace(/[^\p{L}\p{N}]+/gu, "-") || "nothing"}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
});
