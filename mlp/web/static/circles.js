// The network as people picture it: circles in layers, lit by what they answer, joined by what one brings
// the next, its answer times the weight between them. Of many, those are shown that matter most just now.
"use strict";

const MOST_CIRCLES = 16; // of a layer
const STAYS = 24; // a unit keeps its place while it is among so many, so that circles do not flicker
const MOST_EDGES = 70; // between two layers
const FAINTEST = 0.06; // of the strongest edge: fainter ones are not drawn
const PACE = 0.3; // of the way to what a unit answers, a frame
const stillness = matchMedia("(prefers-reduced-motion: reduce)");

const circles = {
  network: null,
  digit: undefined, // whose answer is shown; null for an empty board
  columns: [], // of each layer: { count, out, slots: [{ unit, shown, target }], scale }
  pixels: null, // the edges that leave the picture, until another digit or unit is looked at
  places: [], // where each circle was drawn: { k, unit, x, y, r }
  pointed: null, // { k, unit } under the pointer or the keyboard
  chosen: null, // { k, unit } that is looked at
  frame: 0,
  looked() {}, // called with { k, unit } when a unit is to be looked at, with null when what was seen of it is gone
};

function showCircles(network, digit) {
  if (circles.network !== network) beginCircles(network);
  circles.digit = digit || null;
  circles.columns.forEach((column, k) => chooseCircles(column, k));
  circles.pixels = null;
  askFrame();
  tellCirclesAtRest();
}

function beginCircles(network) {
  const goesOn = isLike(circles.network, network);
  const linear = linearOf(network.layers);
  circles.network = network;
  circles.columns = linear.map(({ outputs }, k) => ({
    count: outputs,
    out: Float64Array.from({ length: outputs }, (_, unit) => outgoing(linear[k + 1], unit)),
    slots: goesOn ? circles.columns[k].slots : [],
    scale: 1,
  }));
  if (goesOn) {
    lookAgain();
  } else {
    circles.pointed = circles.chosen = null;
    showUnit(null);
  }
}

// Whether a network is the other at another moment, so that what is looked at stays.
const isLike = (one, other) => one !== null && one.name === other.name && String(one.sizes) === String(other.sizes);

function outgoing(next, unit) { // how much a unit can bring the next layer
  if (!next) return 1;
  let total = 0;
  for (let o = 0, w = unit * next.outputs; o < next.outputs; o += 1, w += 1) total += next.W[w] ** 2;
  return Math.sqrt(total);
}

function answersOf(k) { // what is shown of a layer: its answers, and of the last one probabilities
  const { digit, columns } = circles;
  if (!digit) return new Float64Array(columns[k].count);
  return k === columns.length - 1 ? Float64Array.from(digit.probabilities) : digit.activations[k];
}

function chooseCircles(column, k) { // choose the circles of a layer; those that stay keep their places
  const values = answersOf(k);
  column.scale = Math.max(1e-12, k === circles.columns.length - 1 ? 1 : Math.max(...values.map(Math.abs)));
  const all = [...Array(column.count).keys()];
  if (column.count <= MOST_CIRCLES) {
    if (!column.slots.length) column.slots = all.map((unit) => ({ unit, shown: 0 }));
  } else {
    const matter = (unit) => column.out[unit] * (Math.abs(values[unit]) / column.scale + 1e-6);
    const ranked = all.map((unit) => [matter(unit), unit]).sort((a, b) => b[0] - a[0]).map(([, unit]) => unit);
    const may = new Set(ranked.slice(0, STAYS));
    for (const one of [circles.chosen, circles.pointed]) if (one && one.k === k) may.add(one.unit);
    const taken = new Set(column.slots.filter(({ unit }) => may.has(unit)).map(({ unit }) => unit));
    const fresh = ranked.filter((unit) => !taken.has(unit));
    if (!column.slots.length) column.slots = Array(MOST_CIRCLES).fill({ unit: -1 });
    column.slots = column.slots.map((slot) => (taken.has(slot.unit) ? slot : { unit: fresh.shift(), shown: 0 }));
  }
  for (const slot of column.slots) slot.target = values[slot.unit];
}

// --- Edges -----------------------------------------------------------------------------------

const held = () => circles.pointed || circles.chosen;
const isAt = (one, k, unit) => one !== null && one.k === k && one.unit === unit;

// Of edges { from, to, c } into layer k the strongest, with their share of the strongest of all. Of a unit that
// is held they are its own.
function strongestEdges(edges, k) {
  const most = edges.reduce((max, { c }) => Math.max(max, Math.abs(c)), 0);
  const drawn = edges.filter(({ c }) => Math.abs(c) > FAINTEST * most).sort((a, b) => Math.abs(b.c) - Math.abs(a.c));
  const own = drawn.filter((edge) => touches(edge, k)).slice(0, MOST_EDGES);
  const rest = drawn.slice(0, MOST_EDGES).filter((edge) => !touches(edge, k));
  return [...rest, ...own].map((edge) => ({ ...edge, share: Math.abs(edge.c) / most }));
}

function touches({ from, to }, k) {
  return held() === null || isAt(held(), k, to) || isAt(held(), k - 1, from);
}

function edgesOfPixels() {
  const { network, digit, columns } = circles;
  if (!digit) return [];
  const { W, outputs } = linearOf(network.layers)[0];
  const edges = [];
  digit.image.forEach((byte, i) => {
    if (byte) for (const { unit } of columns[0].slots) edges.push({ from: i, to: unit, c: (byte / 255) * W[i * outputs + unit] });
  });
  return strongestEdges(edges, 0);
}

function edgesInto(k) {
  const { W, outputs } = linearOf(circles.network.layers)[k];
  const edges = [];
  for (const { unit: from, shown } of circles.columns[k - 1].slots) {
    if (shown) for (const { unit: to } of circles.columns[k].slots) edges.push({ from, to, c: shown * W[from * outputs + to] });
  }
  return strongestEdges(edges, k);
}

// --- Drawing ---------------------------------------------------------------------------------

function askFrame() {
  if (!circles.frame) circles.frame = requestAnimationFrame(nextFrame);
}

function nextFrame() {
  circles.frame = 0;
  let moving = false;
  for (const { slots, scale } of circles.columns) {
    for (const slot of slots) {
      const left = slot.target - slot.shown;
      const still = stillness.matches || Math.abs(left) < 0.004 * scale;
      slot.shown = still ? slot.target : slot.shown + PACE * left;
      moving ||= !still;
    }
  }
  drawCircles();
  if (moving) askFrame();
}

function drawCircles() {
  const view = byId("circles");
  const { clientWidth: width, clientHeight: height } = view;
  const dots = window.devicePixelRatio || 1;
  if (!width || !circles.network) return;
  if (view.width !== Math.round(width * dots) || view.height !== Math.round(height * dots)) {
    [view.width, view.height] = [Math.round(width * dots), Math.round(height * dots)];
  }
  const style = getComputedStyle(document.body);
  const ink = Object.fromEntries(["text", "faint", "line", "card", "accent"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  const context = view.getContext("2d");
  context.setTransform(dots, 0, 0, dots, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "12px system-ui, sans-serif";
  const side = Math.min(0.24 * width, 0.55 * height);
  const middle = (height - 18) / 2;
  const { columns } = circles;
  const step = (width - 84 - side) / columns.length; // the last layer leaves room for its names
  circles.places = [];
  const spots = columns.map(({ slots }, k) => {
    const x = side + (k + 1) * step;
    const gap = Math.min(34, (height - 22) / slots.length);
    const r = Math.min(10, 0.4 * gap);
    return new Map(slots.map(({ unit }, row) => {
      const spot = { k, unit, x, y: middle + (row - (slots.length - 1) / 2) * gap, r };
      circles.places.push(spot);
      return [unit, spot];
    }));
  });
  const cell = side / constants.MNIST_SIDE;
  const pixel = (i) => ({ x: ((i % constants.MNIST_SIDE) + 0.5) * cell, y: middle - side / 2 + (Math.floor(i / constants.MNIST_SIDE) + 0.5) * cell, r: 0 });
  drawDigit(context, ink, middle - side / 2, side, cell);
  circles.pixels ||= edgesOfPixels();
  for (const edge of circles.pixels) drawEdge(context, edge, pixel(edge.from), spots[0].get(edge.to), 0);
  for (let k = 1; k < columns.length; k += 1) {
    for (const edge of edgesInto(k)) drawEdge(context, edge, spots[k - 1].get(edge.from), spots[k].get(edge.to), k);
  }
  columns.forEach((column, k) => {
    for (const slot of column.slots) drawCircle(context, ink, column, slot, spots[k].get(slot.unit));
    const { x } = spots[k].values().next().value;
    write(context, column.slots.length < column.count ? `${column.slots.length} of ${column.count}` : `${column.count}`, x, height - 5, ink.faint, "center");
  });
  write(context, `${constants.MNIST_SIDE} × ${constants.MNIST_SIDE}`, side / 2, height - 5, ink.faint, "center");
}

function write(context, words, x, y, colour, align) {
  context.fillStyle = colour;
  context.textAlign = align;
  context.fillText(words, x, y);
}

function drawEdge(context, edge, a, b, k) {
  const { c, share } = edge;
  const bend = 0.5 * (b.x - a.x);
  context.strokeStyle = `rgb(${c > 0 ? POSITIVE : NEGATIVE} / ${touches(edge, k) ? 0.12 + 0.7 * share : 0.05})`.replaceAll(",", " ");
  context.lineWidth = 0.5 + 2.5 * share;
  context.beginPath();
  context.moveTo(a.x + a.r, a.y);
  context.bezierCurveTo(a.x + bend, a.y, b.x - bend, b.y, b.x - b.r, b.y);
  context.stroke();
}

function drawDigit(context, ink, top, side, cell) {
  const { digit } = circles;
  context.fillStyle = ink.card;
  context.fillRect(0, top, side, side);
  context.fillStyle = ink.text;
  if (digit) {
    digit.image.forEach((byte, i) => {
      context.globalAlpha = byte / 255;
      if (byte) context.fillRect((i % constants.MNIST_SIDE) * cell, top + Math.floor(i / constants.MNIST_SIDE) * cell, cell + 0.3, cell + 0.3);
    });
  }
  context.globalAlpha = 1;
  context.lineWidth = 1;
  context.strokeStyle = ink.line;
  context.strokeRect(0.5, top + 0.5, side - 1, side - 1);
}

function drawCircle(context, ink, { scale }, { unit, shown }, { k, x, y, r }) {
  const last = k === circles.columns.length - 1;
  const { network, digit } = circles;
  const off = isOff(network, k, unit);
  context.beginPath();
  context.arc(x, y, r, 0, 2 * Math.PI);
  context.fillStyle = ink.card;
  context.fill();
  context.globalAlpha = Math.min(1, Math.abs(shown) / scale);
  context.fillStyle = shown < 0 ? `rgb(${NEGATIVE})` : ink.text;
  context.fill();
  context.globalAlpha = 1;
  const isHeld = isAt(circles.pointed, k, unit) || isAt(circles.chosen, k, unit);
  context.lineWidth = isHeld ? 3 : 1;
  context.strokeStyle = isHeld ? ink.accent : ink.faint;
  context.stroke();
  if (off) {
    context.beginPath();
    context.moveTo(x - r, y - r);
    context.lineTo(x + r, y + r);
    context.stroke();
  }
  if (!last) return;
  const name = network.names[unit].length > 6 ? `${network.names[unit].slice(0, 5)}…` : network.names[unit];
  const best = digit && digit.probabilities[unit] === Math.max(...digit.probabilities);
  context.font = `${best ? "700 " : ""}13px system-ui, sans-serif`;
  write(context, digit && shown >= 0.005 ? `${name}  ${Math.round(100 * shown)} %` : name, x + r + 5, y + 4.5, best ? ink.text : ink.faint, "left");
  context.font = "12px system-ui, sans-serif";
}
