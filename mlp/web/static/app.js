// The page: takes strokes or a picture, asks the server what it reads, and shows the answer.
"use strict";

const byId = (id) => document.getElementById(id);
const canvas = byId("canvas");
const paper = canvas.getContext("2d");
const SIDE = canvas.width;
const PEN = 0.065 * SIDE; // the stroke's width
const SENT = 280; // the drawing goes to the server in as many pixels, each way
const SPEAK_AFTER = 700; // milliseconds of rest before the answer is read out

const state = {
  strokes: [], // each a list of points [x, y]
  photo: null, // the file that was given, instead of strokes
  drawing: false,
  pen: { x: SIDE / 2, y: SIDE / 2, down: false }, // moved with the arrow keys
  result: null,
  chosen: 0, // which of several digits is looked at
  maxBytes: Infinity,
};

// --- Drawing ---------------------------------------------------------------------------------

function redraw() {
  paper.fillStyle = "#fff";
  paper.fillRect(0, 0, SIDE, SIDE);
  paper.strokeStyle = paper.fillStyle = "#000";
  paper.lineCap = paper.lineJoin = "round";
  paper.lineWidth = PEN;
  for (const stroke of state.strokes) drawStroke(stroke);
  byId("hint").hidden = state.strokes.length > 0 || state.photo !== null;
  byId("undo").disabled = byId("clear").disabled = !state.strokes.length && !state.photo;
}

function drawStroke(points) {
  paper.beginPath();
  paper.moveTo(...points[0]);
  for (const point of points) paper.lineTo(...point);
  paper.stroke();
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
}

function begin(point) {
  if (state.photo) dropPhoto();
  state.strokes.push([point]);
  extend(point);
}

function extend(point) {
  const stroke = state.strokes.at(-1);
  stroke.push(point);
  redraw();
  ask();
}

canvas.addEventListener("pointerdown", (event) => {
  if (!event.isPrimary || event.button !== 0) return;
  canvas.setPointerCapture(event.pointerId);
  liftPen();
  state.drawing = true;
  begin(place(event));
});
canvas.addEventListener("pointermove", (event) => {
  if (!state.drawing || !event.isPrimary) return;
  const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  for (const part of events.length ? events : [event]) state.strokes.at(-1).push(place(part));
  redraw();
  ask();
});
for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
  canvas.addEventListener(end, () => { state.drawing = false; });
}

// --- The keyboard ----------------------------------------------------------------------------

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

canvas.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const pen = state.pen;
  if (event.key in ARROWS) {
    const step = SIDE / (event.shiftKey ? 100 : 28);
    const [right, down] = ARROWS[event.key];
    pen.x = Math.min(SIDE, Math.max(0, pen.x + right * step));
    pen.y = Math.min(SIDE, Math.max(0, pen.y + down * step));
    if (pen.down) extend([pen.x, pen.y]);
  } else if (event.key === " ") {
    pen.down = !pen.down;
    if (pen.down) begin([pen.x, pen.y]);
    say(pen.down ? "pen down" : "pen up");
  } else {
    return;
  }
  event.preventDefault();
  showPen();
});
canvas.addEventListener("blur", liftPen);

function showPen() {
  const mark = byId("pen");
  mark.hidden = false;
  mark.classList.toggle("down", state.pen.down);
  mark.style.left = `${(100 * state.pen.x) / SIDE}%`;
  mark.style.top = `${(100 * state.pen.y) / SIDE}%`;
}

function liftPen() {
  state.pen.down = false;
  byId("pen").hidden = true;
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") {
    event.preventDefault();
    undo();
  } else if (event.key === "Escape") {
    clear();
  }
});

// --- Taking back -----------------------------------------------------------------------------

function undo() {
  liftPen();
  if (state.photo) dropPhoto();
  else state.strokes.pop();
  redraw();
  ask();
}

function clear() {
  liftPen();
  if (state.photo) dropPhoto();
  state.strokes = [];
  redraw();
  ask();
}

byId("undo").addEventListener("click", undo);
byId("clear").addEventListener("click", clear);

// --- Pictures --------------------------------------------------------------------------------

function takePhoto(file) {
  if (!file) return;
  if (file.size > state.maxBytes) {
    complain(`The picture has more than ${state.maxBytes / 2 ** 20} MB: make it smaller or crop it.`);
    return;
  }
  if (state.photo) dropPhoto();
  state.photo = file;
  state.strokes = [];
  const photo = byId("photo");
  photo.src = URL.createObjectURL(file);
  photo.hidden = false;
  redraw();
  ask();
}

function dropPhoto() {
  const photo = byId("photo");
  URL.revokeObjectURL(photo.src);
  photo.removeAttribute("src");
  photo.hidden = true;
  state.photo = null;
  for (const input of [byId("file"), byId("camera")]) input.value = "";
}

// A picture that the browser cannot show, such as a TIFF, may still be read.
byId("photo").addEventListener("error", () => { byId("photo").hidden = true; });

for (const id of ["file", "camera"]) {
  byId(id).addEventListener("change", (event) => takePhoto(event.target.files[0]));
}
document.addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find((f) => f.type.startsWith("image/"));
  if (file) takePhoto(file);
  else complain("There is no picture in the clipboard: copy one first.");
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  byId("board").classList.add("over");
});
document.addEventListener("dragleave", () => byId("board").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  byId("board").classList.remove("over");
  takePhoto(event.dataTransfer.files[0]);
});

// --- Asking the server -----------------------------------------------------------------------

let asking = false;
let askAgain = false;
let turn = 0; // counts what was asked, so that an answer to what is gone is not shown

async function ask() {
  turn += 1;
  if (!state.photo && !state.strokes.length) {
    show({ text: "", digits: [] });
    return;
  }
  askAgain = asking;
  if (asking) return;
  asking = true;
  const mine = turn;
  try {
    const body = state.photo || drawing();
    const model = encodeURIComponent(byId("models").value);
    const response = await fetch(`api/read?model=${model}`, { method: "POST", body });
    const answer = await response.json();
    const isStale = mine !== turn && !(state.drawing && state.strokes.length);
    if (!isStale) response.ok ? show(answer) : complain(answer.problem);
  } catch {
    complain("The server does not answer: is mlp draw still running?");
  } finally {
    asking = false;
    if (askAgain) ask();
  }
}

function drawing() {
  const small = document.createElement("canvas");
  small.width = small.height = SENT;
  const context = small.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(canvas, 0, 0, SENT, SENT);
  // toBlob would wait until the browser is idle, which after a stroke is half a second later.
  const [, encoded] = small.toDataURL("image/png").split(",");
  return Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
}

// --- Showing the answer ----------------------------------------------------------------------

let speaking;

function say(sentence) {
  clearTimeout(speaking);
  byId("status").textContent = sentence;
}

function sayAtRest(sentence) {
  clearTimeout(speaking);
  speaking = setTimeout(say, SPEAK_AFTER, sentence);
}

function complain(sentence) {
  show({ text: "", digits: [] });
  byId("certainty").textContent = "";
  byId("problem").textContent = sentence;
  byId("problem").hidden = false;
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

function show(result) {
  state.result = result;
  byId("problem").hidden = true;
  byId("digit").textContent = result.text || "\u00a0";
  const least = Math.min(...result.digits.map((digit) => digit.confidence));
  const sure = result.digits.every((digit) => digit.sure);
  const isEmpty = !state.strokes.length && !state.photo;
  const certainty = result.text
    ? sure ? `${percent(least)} sure` : `not sure (${percent(least)})`
    : isEmpty ? "Nothing to read yet" : "There is nothing to read in this";
  byId("certainty").textContent = certainty;
  byId("answer").classList.toggle("unsure", !sure);
  sayAtRest(result.text ? `Read as ${result.text}, ${certainty}` : certainty);
  if (state.chosen >= result.digits.length) state.chosen = 0;
  showChoice();
  showDigit();
}

function showChoice() {
  const { digits, height, width } = state.result;
  const group = byId("several");
  group.hidden = digits.length < 2;
  group.replaceChildren(...digits.map((digit, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = digit.text;
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", String(i === state.chosen));
    button.setAttribute("aria-label", `digit ${i + 1} of ${digits.length}: ${digit.text}`);
    button.tabIndex = i === state.chosen ? 0 : -1;
    button.addEventListener("click", () => choose(i));
    return button;
  }));
  const needed = digits.length > 1 || state.photo;
  byId("boxes").replaceChildren(...(needed ? digits : []).map((digit, i) => {
    const mark = document.createElement("div");
    const longest = Math.max(height, width); // the picture is shown as large as fits, centred
    const at = (value, side) => `${(100 * (value + (longest - side) / 2)) / longest}%`;
    mark.style.left = at(digit.box.left, width);
    mark.style.top = at(digit.box.top, height);
    mark.style.width = `${(100 * (digit.box.right - digit.box.left)) / longest}%`;
    mark.style.height = `${(100 * (digit.box.bottom - digit.box.top)) / longest}%`;
    mark.classList.toggle("chosen", digits.length > 1 && i === state.chosen);
    return mark;
  }));
}

function choose(i) {
  state.chosen = i;
  showChoice();
  showDigit();
  byId("several").children[i].focus();
}

byId("several").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const count = state.result.digits.length;
  choose((state.chosen + step + count) % count);
});

function showDigit() {
  const digit = state.result.digits[state.chosen];
  showBars(digit);
  byId("inside").hidden = !digit;
  if (!digit) return;
  const image = bytes(digit.image, Uint8Array);
  paint(byId("image"), 28, image.length, (i) => [255 - image[i], 255 - image[i], 255 - image[i], 255]);
  paintSigned(byId("evidence"), 28, digit.evidence);
  const last = digit.layers.length - 1;
  byId("layers").replaceChildren(...digit.layers.map((layer, k) => {
    const name = k < last ? `layer ${k + 1}: ${layer.units} units` : `output: ${layer.units} units`;
    return figure(name, layer.columns, layer.values);
  }));
  byId("units").replaceChildren(...digit.units.map((unit) => {
    const adds = unit.adds === null ? "the answer's own" : `+${unit.adds.toPrecision(2)}`;
    return figure(`unit ${unit.unit}: ${adds}`, 28, unit.weights);
  }));
  byId("units-title").hidden = !digit.units.length;
  const { layers, activation, parameters, test_accuracy: accuracy } = state.result.model;
  byId("about").textContent =
    `The network is ${layers.join("-")}, ${activation}, ${parameters.toLocaleString("en")} parameters` +
    (accuracy === null ? "." : `; it reads ${percent(accuracy)} of its test images.`);
}

function showBars(digit) {
  const body = byId("bars").tBodies[0];
  const names = digit ? digit.names : [..."0123456789"];
  const shares = digit ? digit.probabilities : names.map(() => 0);
  if ([...body.rows].map((row) => row.cells[0].textContent).join("\n") !== names.join("\n")) {
    body.replaceChildren(...names.map(barRow));
    byId("bars").classList.toggle("wide", names.some((name) => name.length > 2));
  }
  const best = digit ? Math.max(...shares) : Infinity;
  shares.forEach((share, i) => {
    const row = body.rows[i];
    row.classList.toggle("best", share === best);
    row.querySelector(".fill").style.width = `${100 * share}%`;
    row.cells[2].textContent = digit ? percent(share) : "";
  });
}

function barRow(name) {
  const row = document.createElement("tr");
  const heading = document.createElement("th");
  heading.scope = "row";
  heading.textContent = name;
  const track = document.createElement("div");
  const fill = document.createElement("div");
  track.className = "track";
  fill.className = "fill";
  track.append(fill);
  const bar = document.createElement("td");
  bar.setAttribute("aria-hidden", "true");
  bar.append(track);
  row.append(heading, bar, document.createElement("td"));
  return row;
}

// --- Pixels ----------------------------------------------------------------------------------

function bytes(base64, Kind) {
  return new Kind(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);
}

function paint(target, columns, count, colour) {
  target.width = columns;
  target.height = Math.ceil(count / columns);
  const context = target.getContext("2d");
  const pixels = context.createImageData(target.width, target.height);
  for (let i = 0; i < count; i += 1) pixels.data.set(colour(i), 4 * i);
  context.putImageData(pixels, 0, 0);
}

function paintSigned(target, columns, base64) {
  const values = bytes(base64, Int8Array);
  // Orange for and blue against, which the colour-blind tell apart too.
  paint(target, columns, values.length, (i) =>
    [...(values[i] > 0 ? [240, 120, 10] : [50, 120, 240]), 2 * Math.abs(values[i])]);
}

function figure(caption, columns, base64) {
  const whole = document.createElement("figure");
  const target = document.createElement("canvas");
  const text = document.createElement("figcaption");
  target.className = "pixels";
  target.setAttribute("role", "img");
  target.setAttribute("aria-label", caption);
  text.textContent = caption;
  paintSigned(target, columns, base64);
  whole.append(target, text);
  return whole;
}

// --- The models ------------------------------------------------------------------------------

async function listModels() {
  const response = await fetch("api/models");
  const { models, first, max_bytes: maxBytes } = await response.json();
  state.maxBytes = maxBytes;
  byId("models").replaceChildren(...models.map((name) => new Option(name, name, false, name === first)));
}

byId("models").addEventListener("change", ask);

redraw();
show({ text: "", digits: [] });
listModels().catch(() => complain("The server does not answer: is mlp draw still running?"));
