// The digit made harder to read: in other strokes, turned, with noise; and where its answer flips.
"use strict";

const LOOK_AFTER = 120; // milliseconds of rest
const AT_ONCE = 8; // milliseconds of it in a frame, so that who goes on drawing is not held up
const INSET = 8; // pixels from an end of a slider to the middle of its thumb there

// As mlp/data/disturb.py does: each takes bytes and gives bytes, 255 for ink.
const DISTURBANCES = {
  thickness: { label: "Strokes", low: -1.5, high: 3, step: 0.1, apply: thicken, write: (v) => `${signed(v, 1)} px` },
  rotation: { label: "Turned", low: -90, high: 90, step: 1, apply: turnBy, write: (v) => `${signed(v, 0)}°` },
  noise: { label: "Noise", low: 0, high: 1, step: 0.02, apply: addNoise, write: (v) => v.toFixed(2) },
};
const KINDS_OF_DISTURBANCE = Object.keys(DISTURBANCES);
const amounts = Object.fromEntries(KINDS_OF_DISTURBANCE.map((kind) => [kind, 0]));

function signed(value, digits) {
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(digits)}`;
}

const rounded = (values) => Uint8Array.from(values, (v) => Math.floor(v + 0.5));

// The greatest of each pixel and its four neighbours, or the least, so many times, the last in part.
function thicken(image, pixels) {
  const side = constants.MNIST_SIDE;
  const extreme = pixels > 0 ? Math.max : Math.min;
  let x = Float64Array.from(image);
  for (let left = Math.abs(pixels); left > 0; left -= 1) {
    const before = x;
    const at = (row, column) => (row < 0 || column < 0 || row >= side || column >= side ? 0 : before[row * side + column]);
    x = before.map((v, i) => {
      const [row, column] = [Math.floor(i / side), i % side];
      const most = extreme(v, at(row - 1, column), at(row + 1, column), at(row, column - 1), at(row, column + 1));
      return v + Math.min(left, 1) * (most - v);
    });
  }
  return rounded(x);
}

function turnBy(image, degrees) { // clockwise, about the middle, with bilinear interpolation
  const side = constants.MNIST_SIDE;
  const middle = (side - 1) / 2;
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const at = (row, column) => (row < 0 || column < 0 || row >= side || column >= side ? 0 : image[row * side + column]);
  const inside = (v) => Math.min(side, Math.max(-1, v));
  return rounded(Float64Array.from(image, (_, i) => {
    const [y, x] = [Math.floor(i / side) - middle, (i % side) - middle];
    const [row, column] = [inside(middle - s * x + c * y), inside(middle + c * x + s * y)];
    const [top, left] = [Math.min(side - 1, Math.floor(row)), Math.min(side - 1, Math.floor(column))];
    const [down, right] = [row - top, column - left];
    const above = (1 - right) * at(top, left) + right * at(top, left + 1);
    const below = (1 - right) * at(top + 1, left) + right * at(top + 1, left + 1);
    return (1 - down) * above + down * below;
  }));
}

// The same noise each time, so that it grows with its slider and does not flicker: of each pixel the sum of
// twelve numbers from 0 to 1, less 6, which is all but normal.
const NOISE = (() => {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Press and others, Numerical Recipes, section 7.1
    return state / 2 ** 32;
  };
  return Float64Array.from({ length: constants.MNIST_SIDE ** 2 }, () => {
    let sum = -6;
    for (let k = 0; k < 12; k += 1) sum += next();
    return sum;
  });
})();

function addNoise(image, deviation) {
  return rounded(Float64Array.from(image, (v, i) => Math.min(255, Math.max(0, v + 255 * deviation * NOISE[i]))));
}

function disturbed(image, by = amounts) {
  return KINDS_OF_DISTURBANCE.reduce((bytes, kind) => (by[kind] ? DISTURBANCES[kind].apply(bytes, by[kind]) : bytes), image);
}

const lately = new WeakMap(); // of an image { by, bytes }, so that what is made of it stays the same array
live.alter = (image) => {
  const by = KINDS_OF_DISTURBANCE.map((kind) => amounts[kind]).join();
  if (!lately.has(image) || lately.get(image).by !== by) lately.set(image, { by, bytes: disturbed(image) });
  return lately.get(image).bytes;
};
live.altered = () => KINDS_OF_DISTURBANCE.filter((kind) => amounts[kind])
  .map((kind) => `${DISTURBANCES[kind].label.toLowerCase()} ${DISTURBANCES[kind].write(amounts[kind])}`).join(", ");

// --- The sliders -----------------------------------------------------------------------------

const disturbanceRows = Object.fromEntries(KINDS_OF_DISTURBANCE.map((kind) => {
  const { label, low, high, step } = DISTURBANCES[kind];
  const whole = document.createElement("div");
  const name = document.createElement("label");
  const slider = document.createElement("input");
  const told = document.createElement("output");
  const strip = document.createElement("canvas");
  name.textContent = label;
  name.htmlFor = slider.id = kind;
  Object.assign(slider, { type: "range", min: low, max: high, step, value: 0 });
  told.htmlFor = kind;
  told.setAttribute("aria-live", "off"); // the slider says it
  strip.setAttribute("role", "img");
  strip.setAttribute("aria-label", `What is answered along ${label.toLowerCase()}`);
  strip.setAttribute("aria-describedby", "harder-words");
  whole.append(name, slider, told, strip);
  slider.addEventListener("input", () => setAmounts({ [kind]: Number(slider.value) }));
  byId("amounts").append(whole);
  return [kind, { slider, told, strip }];
}));

function setAmounts(some) {
  Object.assign(amounts, some);
  for (const kind of Object.keys(some)) disturbanceRows[kind].slider.value = some[kind];
  tellAmounts();
  readAgain();
}

function tellAmounts() {
  for (const kind of KINDS_OF_DISTURBANCE) {
    const told = DISTURBANCES[kind].write(amounts[kind]);
    disturbanceRows[kind].told.textContent = told;
    disturbanceRows[kind].slider.setAttribute("aria-valuetext", told);
  }
  byId("as-drawn").setAttribute("aria-disabled", String(!live.altered())); // it keeps the focus
}

byId("as-drawn").addEventListener("click", () => {
  if (live.altered()) setAmounts(Object.fromEntries(KINDS_OF_DISTURBANCE.map((kind) => [kind, 0])));
});

// --- Where the answer flips ------------------------------------------------------------------

// All that a slider can be set to, as it tells it.
function valuesOf({ low, high, step }) {
  return Array.from({ length: Math.round((high - low) / step) + 1 }, (_, n) => Number((low + n * step).toFixed(2)));
}

// The answer at a value of one slider, the others as they stand: { amount, text, confidence }.
function answerAlong(kind, amount, found) {
  const digit = altered(found, (image) => disturbed(image, { ...amounts, [kind]: amount }));
  return { amount, ...answerOf(live.network, votesOf(live.network, digit), digit.against) };
}

function flipsOf(answers) { // those at which it changes, the first among them
  return answers.filter(({ text }, n) => !n || answers[n - 1].text !== text);
}

let looking;
function lookHarderAtRest() {
  clearTimeout(looking);
  for (const { strip } of Object.values(disturbanceRows)) strip.classList.add("behind");
  byId("harder-words").classList.add("behind");
  looking = setTimeout(lookHarder, LOOK_AFTER);
}

async function lookHarder() {
  const mine = looking;
  const digit = shown.result.digits[shown.chosen];
  if (!live.network) return;
  const words = [];
  let since = -Infinity;
  for (const kind of KINDS_OF_DISTURBANCE) {
    const answers = [];
    for (const amount of digit ? valuesOf(DISTURBANCES[kind]) : []) {
      if (performance.now() - since > AT_ONCE) {
        await new Promise(requestAnimationFrame);
        if (mine !== looking) return;
        since = performance.now();
      }
      answers.push(answerAlong(kind, amount, digit.found));
    }
    const { strip } = disturbanceRows[kind];
    drawAnswers(strip, answers, digit && digit.text);
    strip.classList.remove("behind");
    const { label, write } = DISTURBANCES[kind];
    const flips = flipsOf(answers).map(({ text, amount }) => `${text} from ${write(amount)} on`);
    words.push(`${label}: ${flips.length === 1 ? `${answers[0].text} all along` : flips.join(", ")}.`);
  }
  byId("harder-words").textContent = digit ? words.join(" ") : "";
  byId("harder-words").classList.remove("behind");
}

function drawAnswers(strip, answers, now) {
  const { clientWidth: width, clientHeight: height } = strip;
  const dots = window.devicePixelRatio || 1;
  [strip.width, strip.height] = [Math.round(width * dots), Math.round(height * dots)];
  if (!answers.length || !width) return;
  const context = strip.getContext("2d");
  const style = getComputedStyle(document.body);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const step = (width - 2 * INSET) / (answers.length - 1);
  const sharp = (v) => Math.round(v * dots) / dots; // whole pixels, or the edges would show
  const x = (n) => sharp(Math.min(width - INSET, Math.max(INSET, INSET + (n - 0.5) * step))); // where one begins
  context.scale(dots, dots);
  answers.forEach(({ text, confidence }, n) => {
    context.globalAlpha = 0.15 + 0.45 * confidence;
    context.fillStyle = colour(text === now ? "bar" : "for");
    context.fillRect(x(n), 0, x(n + 1) - x(n), height);
  });
  context.globalAlpha = 1;
  context.fillStyle = colour("text");
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  const begins = [...answers.keys()].filter((n) => !n || answers[n - 1].text !== answers[n].text);
  begins.forEach((from, k) => {
    const [left, right] = [x(from), x(begins[k + 1] ?? answers.length)];
    const { text } = answers[from];
    if (right - left > context.measureText(text).width + 2) context.fillText(text, (left + right) / 2, height / 2 + 0.5);
  });
}

tellAmounts();
live.told.push(lookHarderAtRest);
new ResizeObserver(lookHarderAtRest).observe(byId("amounts"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", lookHarderAtRest);

// For scripts and tests: what becomes of 784 bytes.
window.mlp.disturb = (image, kind, amount) => [...DISTURBANCES[kind].apply(Uint8Array.from(image), amount)];
