// The drawing board: strokes by pointer and keyboard, and the ink that they leave.
"use strict";

const byId = (id) => document.getElementById(id);
const canvas = byId("canvas");
const paper = canvas.getContext("2d");
const SIDE = canvas.width;
const PEN = 0.045 * SIDE; // the widest stroke; a small drawing has a finer one, or it would be a blot
const FINEST = 0.008 * SIDE;
const PEN_SHARE = 0.11; // of the tallest stroke's extent
const READ = 280; // the drawing is read in as many pixels, each way

const board = {
  strokes: [], // each a list of points [x, y]
  drawing: false,
  pen: { x: SIDE / 2, y: SIDE / 2, down: false }, // moved with the arrow keys
  changed() {}, // called after each change
  hasPicture: () => false, // whether a picture is on the board, and takes it off
  dropPicture() {},
};

// --- Ink -------------------------------------------------------------------------------------

function redraw() {
  paper.fillStyle = "#fff";
  paper.fillRect(0, 0, SIDE, SIDE);
  drawStrokes(paper, SIDE, board.drawing && board.strokes.length === 1 ? PEN : penWidth());
  const isEmpty = !board.strokes.length && !board.hasPicture();
  byId("hint").hidden = !isEmpty;
  for (const id of ["undo", "clear", "save"]) byId(id).disabled = isEmpty;
}

function penWidth() { // in the board's pixels; what is drawn small is drawn fine
  const spans = board.strokes.map((points) => [0, 1].map((axis) => {
    const along = points.map((point) => point[axis]);
    return Math.max(...along) - Math.min(...along);
  }));
  return Math.min(PEN, Math.max(FINEST, PEN_SHARE * Math.max(0, ...spans.flat())));
}

function drawStrokes(context, side, width, strokes = board.strokes) {
  context.save();
  context.scale(side / SIDE, side / SIDE);
  context.strokeStyle = "#000";
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = width;
  for (const [first, ...rest] of strokes) {
    context.beginPath();
    context.moveTo(...first);
    for (const point of rest) context.lineTo(...point);
    context.stroke();
  }
  context.restore();
}

const small = document.createElement("canvas");
small.width = small.height = READ;
const reading = small.getContext("2d", { willReadFrequently: true });

function inkOfDrawing() { // as `extractDigits` takes it
  reading.clearRect(0, 0, READ, READ);
  drawStrokes(reading, READ, penWidth());
  const { data } = reading.getImageData(0, 0, READ, READ);
  const ink = plane(READ, READ);
  for (let i = 0; i < ink.data.length; i += 1) ink.data[i] = data[4 * i + 3] / 255;
  return ink;
}

function changed() {
  redraw();
  board.changed();
}

// --- A mouse, a finger or a pen --------------------------------------------------------------

function place(event) {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
}

function begin(point) {
  board.dropPicture();
  board.strokes.push([point, point]);
  changed();
}

canvas.addEventListener("pointerdown", (event) => {
  if (!event.isPrimary || event.button !== 0) return;
  canvas.setPointerCapture(event.pointerId);
  liftPen();
  board.drawing = true;
  begin(place(event));
});
canvas.addEventListener("pointermove", (event) => {
  if (!board.drawing || !event.isPrimary) return;
  const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  for (const part of events.length ? events : [event]) board.strokes.at(-1).push(place(part));
  changed();
});
for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
  canvas.addEventListener(end, () => {
    if (!board.drawing) return;
    board.drawing = false;
    redraw();
  });
}

// --- The keyboard ----------------------------------------------------------------------------

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

canvas.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { pen } = board;
  if (event.key in ARROWS) {
    const step = SIDE / (event.shiftKey ? 100 : 28);
    const [right, down] = ARROWS[event.key];
    pen.x = Math.min(SIDE, Math.max(0, pen.x + right * step));
    pen.y = Math.min(SIDE, Math.max(0, pen.y + down * step));
    if (pen.down) {
      board.strokes.at(-1).push([pen.x, pen.y]);
      changed();
    }
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
  mark.classList.toggle("down", board.pen.down);
  mark.style.left = `${(100 * board.pen.x) / SIDE}%`;
  mark.style.top = `${(100 * board.pen.y) / SIDE}%`;
}

function liftPen() {
  board.pen.down = false;
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
  if (board.hasPicture()) board.dropPicture();
  else board.strokes.pop();
  changed();
}

function clear() {
  liftPen();
  board.dropPicture();
  board.strokes = [];
  changed();
}

byId("undo").addEventListener("click", undo);
byId("clear").addEventListener("click", clear);
