// The page of mlp draw: besides drawings it reads pictures, and offers several models.
"use strict";

const NO_ANSWER = "The server does not answer: is mlp draw still running?";

const served = {
  photo: null, // the file that was given, instead of strokes
  maxBytes: Infinity,
  turn: 0, // counts what was asked, so that an answer to what is gone is not shown
};

board.changed = read;
board.hasPicture = () => served.photo !== null;
board.dropPicture = dropPhoto;

function read() {
  served.turn += 1;
  live.behind.picture = served.photo ? "Reading …" : "";
  if (served.photo) readPhoto(served.photo, served.turn);
  else readInNextFrame();
}

// --- Pictures: the server finds the digits in them, which takes what a browser does not have ---

function takePhoto(file) {
  if (!file) return;
  if (file.size > served.maxBytes) {
    complain(`The picture has more than ${served.maxBytes / 2 ** 20} MB: make it smaller or crop it.`);
    return;
  }
  dropPhoto();
  served.photo = file;
  board.strokes = [];
  const photo = byId("photo");
  photo.src = URL.createObjectURL(file);
  photo.hidden = false;
  changed();
}

function dropPhoto() {
  if (!served.photo) return;
  const photo = byId("photo");
  URL.revokeObjectURL(photo.src);
  photo.removeAttribute("src");
  photo.hidden = true;
  served.photo = null;
  for (const input of [byId("file"), byId("camera")]) input.value = "";
}

async function readPhoto(file, mine) {
  showBehind(whyBehind());
  try {
    const response = await fetch("api/extract", { method: "POST", body: file });
    const answer = await response.json();
    if (mine !== served.turn) return;
    live.behind.picture = "";
    if (response.ok) {
      const found = answer.digits.map(({ box, images, against }) => {
        const [image, ...views] = imagesOf(bytesOf(images));
        return { box, found: { image, views, against } };
      });
      show(resultOf(found, answer.height, answer.width));
    } else {
      showNothing(answer.problem);
    }
  } catch {
    if (mine !== served.turn) return;
    live.behind.picture = "";
    showNothing(NO_ANSWER);
  }
}

function imagesOf(bytes) { // one after another
  const size = constants.MNIST_SIDE ** 2;
  return Array.from({ length: bytes.length / size }, (_, n) => bytes.subarray(n * size, (n + 1) * size));
}

function showNothing(problem) {
  show(NOTHING);
  say(""); // it is told by the complaint
  byId("certainty").textContent = "";
  complain(problem);
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

// --- The models ------------------------------------------------------------------------------

async function listModels() {
  const response = await fetch("api/models");
  const { models, first, max_bytes: maxBytes } = await response.json();
  served.maxBytes = maxBytes;
  byId("models").replaceChildren(...models.map((name) => new Option(name, name, false, name === first)));
  await loadModel();
}

async function loadModel() {
  const name = byId("models").value;
  stopPlaying();
  live.behind.model = "Loading the network …";
  showBehind(whyBehind());
  const response = await fetch(`api/network?model=${encodeURIComponent(name)}`);
  const told = await response.json();
  if (name !== byId("models").value) return;
  if (response.ok) {
    const network = await unpackNetwork(told);
    if (name !== byId("models").value) return;
    live.network = network;
    live.behind.model = "";
    forgetCrowd();
    read();
    beginThrough(network);
    await loadCrowd(network);
  } else {
    live.behind.model = told.problem;
    byId("through").hidden = true;
    showNothing(told.problem);
  }
}

const complainOfServer = () => complain(NO_ANSWER);

function complainOfModel() {
  if (live.behind.model) live.behind.model = NO_ANSWER;
  complainOfServer();
}

byId("models").addEventListener("change", () => loadModel().catch(complainOfModel));

// The page of one step goes on with the digit that is looked at here, and with this network.
byId("slowly").addEventListener("click", () => {
  const digit = shown.result.digits[shown.chosen];
  const image = digit ? [...digit.image] : null;
  const { at, name } = through.stops[through.stop] || { at: "" };
  const moment = at && !live.behind.model ? { at, name } : null; // of its training
  sessionStorage.setItem("step", JSON.stringify({ image, text: digit ? digit.text : "", model: byId("models").value, moment }));
});

redraw();
readDrawing();
listModels().catch(complainOfModel);
