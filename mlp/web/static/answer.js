// What is shown of an answer: the text, the probabilities, and the network that came to it.
"use strict";

const SPEAK_AFTER = 700; // milliseconds of rest before the answer is read out
const NOTHING = { text: "", digits: [], height: READ, width: READ };

const shown = {
  result: NOTHING,
  chosen: 0, // which of several digits is looked at
};
let speaking;

function say(sentence) {
  clearTimeout(speaking);
  byId("status").textContent = sentence;
}

function sayAtRest(sentence) {
  clearTimeout(speaking);
  speaking = setTimeout(say, SPEAK_AFTER, sentence);
}

function complain(sentence) { // the answer that is there stays
  byId("problem").textContent = sentence;
  byId("problem").hidden = false;
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

function showBehind(sentence) { // what is shown is not yet the answer to what is on the board
  byId("result").classList.add("behind");
  byId("certainty").textContent = sentence;
  sayAtRest(sentence);
}

function show(result) {
  shown.result = result;
  byId("problem").hidden = true;
  byId("result").classList.remove("behind");
  byId("digit").textContent = result.text || "\u00a0";
  const least = Math.min(...result.digits.map((digit) => digit.confidence));
  const sure = result.digits.every((digit) => digit.sure);
  const isEmpty = !board.strokes.length && !board.hasPicture();
  const certainty = result.text
    ? `${sure ? `${percent(least)} sure` : `not sure (${percent(least)})`}${live.altered() && `, with ${live.altered()}`}`
    : isEmpty ? "Nothing to read yet" : "There is nothing to read in this";
  byId("certainty").textContent = certainty;
  byId("answer").classList.toggle("unsure", !sure);
  if (whyBehind()) showBehind(whyBehind());
  else sayAtRest(result.text ? `Read as ${result.text}, ${certainty}` : certainty);
  if (shown.chosen >= result.digits.length) shown.chosen = 0;
  showChoice();
  showDigit();
}

// --- One of several digits -------------------------------------------------------------------

function showChoice() {
  const { digits, height, width } = shown.result;
  const group = byId("several");
  group.hidden = digits.length < 2;
  group.replaceChildren(...(digits.length < 2 ? [] : digits).map((digit, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = digit.text;
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", String(i === shown.chosen));
    button.setAttribute("aria-label", `digit ${i + 1} of ${digits.length}: ${digit.text}`);
    button.tabIndex = i === shown.chosen ? 0 : -1;
    button.addEventListener("click", () => choose(i));
    return button;
  }));
  const needed = digits.length > 1 || board.hasPicture();
  byId("boxes").replaceChildren(...(needed ? digits : []).map((digit, i) => {
    const mark = document.createElement("div");
    const longest = Math.max(height, width); // the picture is shown as large as fits, centred
    const at = (value, side) => `${(100 * (value + (longest - side) / 2)) / longest}%`;
    mark.style.left = at(digit.box.left, width);
    mark.style.top = at(digit.box.top, height);
    mark.style.width = `${(100 * (digit.box.right - digit.box.left)) / longest}%`;
    mark.style.height = `${(100 * (digit.box.bottom - digit.box.top)) / longest}%`;
    mark.classList.toggle("chosen", digits.length > 1 && i === shown.chosen);
    return mark;
  }));
}

function choose(i) {
  shown.chosen = i;
  showChoice();
  showDigit();
  byId("several").children[i].focus();
}

byId("several").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const count = shown.result.digits.length;
  choose((shown.chosen + step + count) % count);
});

// --- The probabilities -----------------------------------------------------------------------

function showDigit() {
  const digit = shown.result.digits[shown.chosen];
  showBars(digit);
  showInside(digit);
  if (live.network) showCircles(live.network, digit);
  for (const tell of live.told) tell();
}

function showBars(digit) {
  const body = byId("bars").tBodies[0];
  const { names } = live.network || { names: [..."0123456789"] };
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
