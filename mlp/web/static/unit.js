// One unit of the network: found among the circles by pointer or keyboard, what it looks for, and the
// switch that leaves it out.
"use strict";

// An image that a unit answers to most, by gradient ascent: x = (1 - DECAY) x + RISE g / max |g|, held from 0
// to 1. The decay keeps out ink that adds nothing (Yosinski and others, Understanding Neural Networks Through
// Deep Visualization, 2015, section 3, whose blur is left out).
const ASCENT = { steps: 60, rise: 0.05, decay: 0.02, patience: 9 }; // at most so many milliseconds a frame
const REGIONS = ["at the upper left", "at the top", "at the upper right", "at the left", "in the middle",
  "at the right", "at the lower left", "at the bottom", "at the lower right"];

let ascending = 0; // counts the ascents, so that one that is not wanted any more ends

// --- Found by pointer and keyboard -----------------------------------------------------------

function circleAt(event) {
  const box = byId("circles").getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const near = circles.places.map((spot) => ({ spot, away: Math.hypot(spot.x - x, spot.y - y) - spot.r }));
  const best = near.reduce((a, b) => (b.away < a.away ? b : a), { away: Infinity });
  return best.away < 7 ? best.spot : null;
}

function pointAt(spot) {
  if (!spot && !circles.pointed) return;
  circles.pointed = spot && { k: spot.k, unit: spot.unit };
  circles.pixels = null;
  byId("circles").style.cursor = spot ? "pointer" : "default";
  byId("circle-told").textContent = spot ? `${nameOf(spot)}: ${saysOf(spot)}` : "";
  askFrame();
}

byId("circles").addEventListener("pointermove", (event) => pointAt(circleAt(event)));
byId("circles").addEventListener("pointerleave", () => pointAt(null));
byId("circles").addEventListener("blur", () => pointAt(null));
byId("circles").addEventListener("click", (event) => showUnit(circleAt(event)));
byId("circles").addEventListener("keydown", (event) => {
  const { columns, pointed } = circles;
  if (!columns.length) return; // the network is not there yet
  const held = pointed || circles.chosen || { k: 0, unit: columns[0].slots[0].unit };
  const row = Math.max(0, columns[held.k].slots.findIndex(({ unit }) => unit === held.unit));
  const to = (k, at) => {
    const { slots } = columns[Math.min(columns.length - 1, Math.max(0, k))];
    const found = slots[Math.min(slots.length - 1, Math.max(0, at))];
    pointAt({ k: columns.findIndex((column) => column.slots === slots), unit: found.unit });
  };
  if (event.key === "ArrowDown") to(held.k, pointed ? row + 1 : row);
  else if (event.key === "ArrowUp") to(held.k, pointed ? row - 1 : row);
  else if (event.key === "ArrowRight") to(held.k + 1, row);
  else if (event.key === "ArrowLeft") to(held.k - 1, row);
  else if (event.key === "Enter" || event.key === " ") showUnit(held);
  else if (event.key === "x") switchUnit(held);
  else if (event.key === "Escape" && circles.chosen) showUnit(null);
  else return;
  event.preventDefault();
  event.stopPropagation(); // or Escape would clear the board
});
new ResizeObserver(askFrame).observe(byId("circles"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", askFrame);

// --- In words --------------------------------------------------------------------------------

const isLast = (k) => k === circles.columns.length - 1;

function nameOf({ k, unit }) {
  return isLast(k) ? `output ${circles.network.names[unit]}` : `layer ${k + 1}, unit ${unit}`;
}

function saysOf({ k, unit }) {
  const { digit, network } = circles;
  if (isOff(network, k, unit)) return "switched off";
  if (!digit) return "nothing is drawn yet";
  if (isLast(k)) return percent(digit.probabilities[unit]);
  const adds = digit.added[k + 1][unit];
  const aim = network.names[digit.probabilities.indexOf(Math.max(...digit.probabilities))];
  return `answers ${digit.activations[k][unit].toPrecision(3)}, which brings ${adds < 0 ? "" : "+"}${adds.toPrecision(2)} to ${aim}`;
}

let telling;
function tellCirclesAtRest() { // the picture's words follow once the drawing rests
  clearTimeout(telling);
  telling = setTimeout(() => {
    const lists = circles.columns.map(({ slots, count }, k) => {
      const item = document.createElement("li");
      const order = [...slots].sort((a, b) => Math.abs(b.target) - Math.abs(a.target)).slice(0, 5);
      const which = isLast(k) ? "Output" : `Layer ${k + 1}, ${slots.length < count ? `${slots.length} of ${count} units shown, ${count - slots.length} left out` : `${count} units`}`;
      item.textContent = `${which}: ${order.map((slot) => `${isLast(k) ? circles.network.names[slot.unit] : `unit ${slot.unit}`} ${isLast(k) ? percent(slot.target) : slot.target.toPrecision(3)}`).join(", ")}`;
      return item;
    });
    byId("circles-words").replaceChildren(...lists);
    if (circles.chosen) showUnitWords();
  }, 300);
}

// Where in 28 x 28 pixels a first-layer unit wants ink, and what the ink that there is brings it.
function looksFor(weights, image) {
  const side = constants.MNIST_SIDE;
  const third = (i) => Math.min(2, Math.floor((3 * i) / side));
  const [wants, gets] = [new Float64Array(REGIONS.length), new Float64Array(REGIONS.length)];
  weights.forEach((w, i) => {
    const region = 3 * third(Math.floor(i / side)) + third(i % side);
    wants[region] += Math.max(w, 0);
    if (image) gets[region] += (w * image[i]) / 255;
  });
  const seeks = `It looks for ink most ${REGIONS[wants.indexOf(Math.max(...wants))]}.`;
  if (!image) return seeks;
  const [most, least] = [Math.max(...gets), Math.min(...gets)];
  const told = [[most, most > 0, "brings it"], [least, least < 0, "takes"]].filter(([, counts]) => counts)
    .map(([value, , verb]) => `${verb} ${Math.abs(value).toPrecision(2)} ${REGIONS[gets.indexOf(value)]}`);
  return told.length ? `${seeks} Your ink ${told.join(" and ")}.` : seeks;
}

// --- What it looks for -----------------------------------------------------------------------

function showUnit(spot) {
  circles.chosen = spot && { k: spot.k, unit: spot.unit };
  circles.pixels = null;
  ascending += 1;
  byId("unit").hidden = !spot;
  askFrame();
  if (!spot) return;
  byId("unit-name").textContent = nameOf(spot);
  showUnitWeights();
  byId("unit-off").hidden = isLast(spot.k);
  showUnitWords();
  ascend(circles.network, spot.k, spot.unit);
  circles.looked(circles.chosen);
}

function showUnitWeights() {
  const { k, unit } = circles.chosen;
  const weights = weightsOf(linearOf(circles.network.layers)[k], unit);
  paintSigned(byId("unit-weights"), k ? nearSquare(weights.length) : constants.MNIST_SIDE, weights);
  byId("unit-weights-of").textContent = k ? `its weights for the ${weights.length} units before it` : "its weights for the pixels";
}

let lookingAgain;
function lookAgain() { // at the unit that is chosen, in the network at another moment
  ascending += 1;
  clearTimeout(lookingAgain);
  if (!circles.chosen) return;
  circles.looked(null);
  showUnitWeights();
  lookingAgain = setTimeout(() => {
    if (!circles.chosen) return;
    ascend(circles.network, circles.chosen.k, circles.chosen.unit);
    circles.looked(circles.chosen);
  }, 300);
}

function showUnitWords() {
  const { chosen, digit, network } = circles;
  const off = isOff(network, chosen.k, chosen.unit);
  const seeks = chosen.k ? "" : ` ${looksFor(weightsOf(linearOf(network.layers)[0], chosen.unit), digit && digit.image)}`;
  const says = saysOf(chosen);
  byId("unit-says").textContent = `It ${isLast(chosen.k) && digit ? "says " : off || !digit ? "is " : ""}${digit || off ? says : "asked nothing yet"}.${seeks}`;
  byId("unit-off").setAttribute("aria-pressed", String(off));
  byId("unit-off").textContent = off ? "Switch it on" : "Switch it off";
  const count = countOff(network);
  byId("all-on").hidden = !count;
  byId("all-on").textContent = `Switch on all ${count}`;
}

// Follow the gradient of a unit's sum, before its activation, by the pixels.
function* ascent(network, k, unit) {
  const { layers } = network;
  const layer = linearOf(layers)[k];
  const below = layers.slice(0, layers.indexOf(layer) + 1);
  let x = new Float64Array(layers[0].inputs);
  for (let step = 0; step < ASCENT.steps; step += 1) {
    forward(below, x);
    const dy = new Float64Array(layer.outputs);
    dy[unit] = 1;
    const g = backward(below, dy);
    const most = g.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    if (!most) return;
    x = x.map((v, i) => Math.min(1, Math.max(0, (1 - ASCENT.decay) * v + (ASCENT.rise * g[i]) / most)));
    yield x;
  }
}

function ascend(network, k, unit) {
  const mine = ascending;
  const steps = ascent(network, k, unit);
  const canvas = byId("unit-image");
  const side = constants.MNIST_SIDE;
  let x = new Float64Array(side * side);
  const go = () => {
    if (mine !== ascending) return;
    const end = performance.now() + ASCENT.patience;
    let next;
    do {
      next = steps.next();
      if (next.value) x = next.value;
    } while (!next.done && performance.now() < end && stillness.matches);
    if (next.done || !stillness.matches) paint(canvas, side, x.length, (i) => [0, 0, 0, 255 * x[i]]);
    canvas.dataset.done = String(next.done);
    if (!next.done) requestAnimationFrame(go);
  };
  go();
}

// --- Switched off ----------------------------------------------------------------------------

function switchUnit({ k, unit }) {
  if (isLast(k)) return;
  const off = endsOf(circles.network.layers)[k].off ||= new Set();
  if (!off.delete(unit)) off.add(unit);
  board.changed(); // which reads again
  if (circles.chosen) showUnitWords();
}

byId("unit-off").addEventListener("click", () => switchUnit(circles.chosen));
byId("unit-close").addEventListener("click", () => {
  showUnit(null);
  byId("circles").focus();
});
byId("all-on").addEventListener("click", () => {
  for (const layer of circles.network.layers) delete layer.off;
  board.changed();
  showUnitWords();
});

// For scripts and tests: the image that a unit answers to most.
window.mlp.ascend = (k, unit) => Array.from([...ascent(live.network, k, unit)].at(-1));
