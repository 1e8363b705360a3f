// Through training: the snapshots of a run, and what the network of each moment makes of the digit.
"use strict";

const EACH = 350; // milliseconds from moment to moment, where they are played
const FOLLOW = 60; // milliseconds of rest before all networks are asked about another digit
const REST = 300; // milliseconds without a change, before what takes the server's time is asked for
const CURVE = 0.24; // of the chart's height, above the answers
const THUMB_HALF = 8; // pixels from an end of the slider to the middle of its thumb there

const through = {
  stops: [], // { at, name, network } in order; the last one is the model
  stop: 0, // the one of them that is shown, its index
  followed: null, // { image, off, known }: of what `answers` and `units` tell: the digit, how many units were off, and
  // how many networks had come
  answers: [], // of each stop { text, probabilities }; null where its network has not come
  units: [], // of the first layer, whose weights are shown
  playing: 0,
  chart: null, // { left, right } of the first and the last stop in the chart
};
window.through = through; // for tests

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

function nameOfPlace([epoch, update]) {
  if (epoch) return `after ${plural(epoch, "epoch")}`;
  return update ? `after ${plural(update, "update")}` : "before the first update";
}

// --- The networks of its moments -------------------------------------------------------------

function beginThrough(model) {
  const stops = model.snapshots.map((place) => ({ at: place.join("-"), name: nameOfPlace(place), network: null }));
  live.behind.moment = "";
  stopPlaying();
  Object.assign(through, { stops: [...stops, { at: "", name: "as it ended", network: model }], stop: stops.length, followed: null, answers: [] });
  byId("through").hidden = !stops.length;
  byId("moment").max = stops.length;
  if (!stops.length) return;
  tellStop();
  showThrough();
  loadStops(through.stops).catch(complainOfServer);
}

async function loadStops(stops) {
  const model = stops.at(-1).network;
  for (const i of coarseToFine(stops.length - 1)) {
    const response = await fetch(`api/network?${queryOf({ name: model.name, at: stops[i].at })}`);
    const told = await response.json();
    if (stops !== through.stops) return;
    if (response.ok) stops[i].network = { ...(await unpackNetwork(told)), at: stops[i].at };
    else stops[i].problem = told.problem;
    if (stops !== through.stops) return;
    if (through.stop === i) goThrough(i);
    else showThrough();
  }
}

function coarseToFine(count) { // so that a slider has something everywhere soon
  const order = new Set();
  for (let step = 2 ** Math.ceil(Math.log2(Math.max(1, count))); step >= 1; step /= 2) {
    for (let i = 0; i < count; i += step) order.add(i);
  }
  return order;
}

// --- One of them -----------------------------------------------------------------------------

let resting;
function goThrough(i) {
  through.stop = i;
  const { network, problem } = through.stops[i];
  live.behind.moment = network ? "" : problem || "Loading the network …";
  tellStop();
  if (!network) {
    showBehind(whyBehind());
    return;
  }
  keepOff(network);
  live.network = network;
  readAgain();
  clearTimeout(resting);
  resting = setTimeout(() => {
    if (crowd.network !== live.network) loadCrowd(live.network).catch(complainOfServer);
  }, REST);
}

function keepOff(network) { // units that the visitor switched off stay so, at every moment
  const layers = live.network.layers;
  network.layers.forEach((layer, k) => { layer.off = layers[k].off; });
}

function tellStop() {
  const { name, network } = through.stops[through.stop];
  const score = network && network.test_accuracy !== null ? `: it reads ${percent(network.test_accuracy)} of its test images` : "";
  const told = `${name}${score}`;
  byId("moment").value = through.stop;
  byId("moment").setAttribute("aria-valuetext", told);
  byId("moment-told").textContent = told;
}

byId("moment").addEventListener("input", () => {
  stopPlaying();
  goThrough(Number(byId("moment").value));
});

function stopPlaying() {
  clearInterval(through.playing);
  through.playing = 0;
  byId("play").textContent = "Play";
}

function play() {
  if (through.stop === through.stops.length - 1) goThrough(0);
  byId("play").textContent = "Stop";
  through.playing = setInterval(() => {
    const next = through.stops[through.stop + 1];
    if (!next) stopPlaying();
    else if (next.network) goThrough(through.stop + 1);
  }, EACH);
}

byId("play").addEventListener("click", () => (through.playing ? stopPlaying() : play()));

// --- What each makes of the digit ------------------------------------------------------------

function showThrough() {
  if (byId("through").hidden || !live.network) return;
  const digit = shown.result.digits[shown.chosen];
  const image = digit ? digit.image : null;
  const off = countOff(live.network);
  const known = through.stops.filter(({ network }) => network).length;
  const { followed } = through;
  const isBehind = !followed || followed.image !== image || followed.off !== off;
  if (isBehind || followed.known !== known) followAtRest(digit, { image, off, known });
  for (const id of ["through-chart", "through-words"]) byId(id).classList.toggle("behind", isBehind);
  drawThrough();
  showFigures(byId("through-units"), through.units.map((unit) => ({
    caption: `unit ${unit}`,
    columns: constants.MNIST_SIDE,
    values: weightsOf(linearOf(live.network.layers)[0], unit),
  })));
}

let following;
function followAtRest(digit, followed) { // which takes longer than a frame has, while one draws
  clearTimeout(following);
  following = setTimeout(() => {
    through.followed = followed;
    followDigit(digit && altered(digit.found));
    showThrough();
  }, FOLLOW);
}

function followDigit(digit) {
  through.answers = through.stops.map(({ network }) => {
    if (!network || !digit) return null;
    keepOff(network);
    return answerOf(network, votesOf(network, digit), digit.against);
  });
  const model = through.stops.at(-1).network;
  const { units } = readDigit(model, digit || NO_DIGIT);
  const [first, next] = linearOf(model.layers);
  const all = [...Array(first.outputs).keys()].sort((a, b) => outgoing(next, b) - outgoing(next, a));
  const found = new Set([...units.map(({ unit }) => unit), ...all]); // some add nothing to this answer
  through.units = [...found].slice(0, UNITS_SHOWN).sort((a, b) => a - b);
  byId("through-words").textContent = wordsOf(digit);
}

function wordsOf(digit) { // where the answer changes
  if (!digit) return "Draw a digit to see what it was answered at each moment.";
  const changes = [];
  through.stops.forEach(({ name }, i) => {
    if (!through.answers[i]) return;
    const { text } = through.answers[i];
    if (!changes.length || changes.at(-1).text !== text) changes.push({ text, name });
  });
  const missing = through.answers.filter((answer) => !answer).length;
  const told = changes.length > 1 ? changes.map(({ text, name }) => `${text} ${name}`).join(", ")
    : `${changes[0].text}${missing ? "" : " all along"}`;
  const gap = missing ? ` ${missing} of ${plural(through.stops.length, "moment")} ${missing === 1 ? "is" : "are"} missing.` : "";
  return `Your digit is answered ${told}.${gap}`;
}

// The share of test images that each moment's network reads, and below it, line by line, how probable
// it finds each answer.
function drawThrough() {
  const view = byId("through-chart");
  const { clientWidth: width, clientHeight: height } = view;
  if (!width) return;
  const context = contextOf(view, width, height, window.devicePixelRatio || 1);
  const style = getComputedStyle(document.body);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const { stops, answers } = through;
  const { names } = stops.at(-1).network;
  const gutter = names.some((name) => name.length > 2) ? 72 : 24;
  const column = (width - gutter) / stops.length;
  const left = gutter + column / 2;
  const top = CURVE * height;
  const row = (height - top) / names.length;
  Object.assign(through, { chart: { left, column } });
  const slider = byId("moment"); // its thumb stands below its column
  slider.style.marginLeft = `${left - THUMB_HALF}px`;
  slider.style.width = `${(stops.length - 1) * column + 2 * THUMB_HALF}px`;
  context.fillStyle = colour("line");
  context.globalAlpha = 0.35;
  context.fillRect(gutter + through.stop * column, 0, column, height);
  context.globalAlpha = 1;
  drawScores(context, colour, stops, (i) => left + i * column, top - 6, gutter - 6);
  context.font = "12px system-ui, sans-serif";
  names.forEach((name, k) => {
    context.fillStyle = colour("faint");
    context.textAlign = "right";
    if (row >= 9) context.fillText(name, gutter - 6, top + (k + 0.5) * row, gutter - 6);
  });
  answers.forEach((answer, i) => {
    if (!answer) return;
    const { probabilities } = answer;
    const best = probabilities.indexOf(Math.max(...probabilities));
    probabilities.forEach((share, k) => {
      context.globalAlpha = share;
      context.fillStyle = colour("bar");
      context.fillRect(gutter + i * column + 0.5, top + k * row + 0.5, column - 1, row - 1);
    });
    context.globalAlpha = 1;
    context.strokeStyle = colour("text");
    context.strokeRect(gutter + i * column + 1, top + best * row + 1, column - 2, row - 2);
  });
}

function drawScores(context, colour, stops, x, floor, edge) {
  const y = (score) => floor - Math.max(0, score) * (floor - 8);
  context.strokeStyle = colour("line");
  context.beginPath();
  context.font = "10px system-ui, sans-serif";
  context.fillStyle = colour("faint");
  context.textAlign = "right";
  for (const score of [0, 1]) {
    context.fillText(100 * score, edge, y(score), edge);
    context.moveTo(x(0), y(score));
    context.lineTo(x(stops.length - 1), y(score));
  }
  context.stroke();
  const known = stops.map(({ network }, i) => [i, network && network.test_accuracy]).filter(([, score]) => score !== null);
  context.strokeStyle = context.fillStyle = colour("for");
  context.lineWidth = 2;
  context.beginPath();
  for (const [i, score] of known) context.lineTo(x(i), y(score));
  context.stroke();
  context.lineWidth = 1;
  for (const [i, score] of known) {
    context.beginPath();
    context.arc(x(i), y(score), i === through.stop ? 4 : 2, 0, 2 * Math.PI);
    context.fill();
  }
}

byId("through-chart").addEventListener("pointermove", (event) => { if (event.buttons) pointThrough(event); });
byId("through-chart").addEventListener("pointerdown", pointThrough);

function pointThrough(event) { // the chart is a slider for a pointer
  const { left, column } = through.chart;
  const x = event.clientX - byId("through-chart").getBoundingClientRect().left;
  stopPlaying();
  goThrough(Math.min(through.stops.length - 1, Math.max(0, Math.round((x - left) / column))));
}

live.told.push(showThrough);
new ResizeObserver(showThrough).observe(byId("through-chart"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showThrough);
