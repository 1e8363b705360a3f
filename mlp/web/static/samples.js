// Digits for those with no pen at hand, and one that turns into another, stroke by stroke.
"use strict";

const THUMB = 48; // pixels along a sample's picture
const POINTS = 32; // of a stroke that turns into another
const written = JSON.parse(byId("strokes").textContent).map((strokes) =>
  strokes.map((points) => points.map(([x, y]) => [(x * SIDE) / 1000, (y * SIDE) / 1000])));

function putOnBoard(strokes) {
  liftPen();
  board.dropPicture();
  board.strokes = strokes.map((points) => points.map((point) => [...point]));
  changed();
}

byId("sample-digits").replaceChildren(...written.map((strokes, digit) => {
  const button = document.createElement("button");
  const picture = document.createElement("canvas");
  [picture.width, picture.height] = [THUMB, THUMB];
  picture.className = "drawn";
  drawStrokes(picture.getContext("2d"), THUMB, PEN, strokes);
  button.type = "button";
  button.setAttribute("aria-label", `a sample of ${digit}`);
  button.append(picture);
  button.addEventListener("click", () => {
    byId("from").value = digit;
    byId("way").value = 0;
    putOnBoard(strokes);
  });
  return button;
}));

// --- One digit turns into another ------------------------------------------------------------

for (const [id, digit] of [["from", 4], ["into", 9]]) {
  byId(id).replaceChildren(...written.map((_, d) => new Option(d, d, false, d === digit)));
  byId(id).addEventListener("change", turn);
}
byId("way").addEventListener("input", turn);

function turn() {
  const [from, into] = ["from", "into"].map((id) => written[byId(id).value]);
  putOnBoard(between(from, into, byId("way").value / 100));
}

function between(from, into, share) { // strokes with as many points each, so that each point has its way
  const count = Math.max(from.length, into.length);
  const [a, b] = [from, into].map((strokes) => parted(strokes, count).map(resampled));
  return a.map((points, s) => points.map(([x, y], i) => [x + share * (b[s][i][0] - x), y + share * (b[s][i][1] - y)]));
}

function parted(strokes, count) { // the longest is parted in its middle until there are so many
  const parts = [...strokes];
  while (parts.length < count) {
    const longest = parts.reduce((best, points, i) => (points.length > parts[best].length ? i : best), 0);
    const points = parts[longest];
    const middle = Math.floor(points.length / 2);
    parts.splice(longest, 1, points.slice(0, middle + 1), points.slice(middle));
  }
  return parts;
}

function resampled(points) { // which lie in even steps
  return Array.from({ length: POINTS }, (_, i) => {
    const at = (i / (POINTS - 1)) * (points.length - 1);
    const below = Math.floor(at);
    const [[x0, y0], [x1, y1]] = [points[below], points[Math.min(points.length - 1, below + 1)]];
    return [x0 + (at - below) * (x1 - x0), y0 + (at - below) * (y1 - y0)];
  });
}
