// The page of one step: an update by one digit, stage by stage, as the program computed it.
"use strict";

const byId = (id) => document.getElementById(id);
const SIDE_OF_DIGIT = 28;

const step = {
  image: null, // 784 bytes
  targets: [], // 0 or 1 for each output
  units: null, // which is looked at in each linear layer
  names: [],
  kind: "multiclass",
  linear: 0, // how many linear layers there are
  told: null, // what the program answered
  at: 0, // the stage that is shown
  turn: 0, // counts what was asked, so that an answer to what is gone is not shown
};
window.step = step; // for tests

function complain(text) {
  byId("problem").textContent = text;
  byId("problem").hidden = !text;
}
const complainOfServer = () => complain("The server does not answer: is mlp draw still running?");

// --- What is asked ---------------------------------------------------------------------------

const rate = () => Number((10 ** Number(byId("rate").value)).toPrecision(2));

const asked = () => { // of the model, or of it at a moment of its training
  const { value, dataset } = byId("models").selectedOptions[0];
  return `model=${encodeURIComponent(value)}${dataset.at ? `&at=${dataset.at}` : ""}`;
};

async function ask() {
  const mine = step.turn += 1;
  byId("rate-told").textContent = rate();
  byId("taken-told").textContent = byId("taken").value;
  byId("stage").classList.add("behind");
  const body = JSON.stringify({
    image: step.image, targets: step.targets, lr: rate(), taken: Number(byId("taken").value),
    units: step.units || Array(step.linear).fill(null),
  });
  const response = await fetch(`api/step?${asked()}`, { method: "POST", body });
  const told = await response.json();
  if (mine !== step.turn) return;
  if (!response.ok) {
    complain(told.problem);
    return;
  }
  complain("");
  byId("stage").classList.remove("behind");
  step.told = told;
  step.units = told.units;
  step.at = Math.min(step.at, told.stages.length - 1);
  showStrip();
  showStage();
}

const askNow = () => ask().catch(complainOfServer);

let resting;
function askAtRest() { // a slider asks once it rests for a moment
  clearTimeout(resting);
  byId("rate-told").textContent = rate();
  byId("taken-told").textContent = byId("taken").value;
  resting = setTimeout(askNow, 120);
}

function take(image, label) { // another digit
  step.image = [...image];
  paint(byId("image"), SIDE_OF_DIGIT, image.length, (i) => [0, 0, 0, image[i]]);
  const at = step.names.indexOf(label);
  if (at >= 0 && step.kind === "multiclass") step.targets = step.names.map((_, i) => Number(i === at));
  step.units = null;
  showLabels();
}

function showLabels() {
  byId("labels").replaceChildren(...step.names.map((name, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = step.kind === "binary" ? "yes" : name;
    button.setAttribute("aria-pressed", String(step.targets[i] === 1));
    button.addEventListener("click", () => {
      step.targets = step.targets.map((t, k) => (step.kind === "multiclass" ? Number(k === i) : k === i ? 1 - t : t));
      step.units = null;
      showLabels();
      byId("labels").children[i].focus();
      askNow();
    });
    return button;
  }));
}

// --- The stages ------------------------------------------------------------------------------

function showStrip() {
  const groups = [];
  step.told.stages.forEach(({ group, brief, title }, i) => {
    if (!groups.length || groups.at(-1).name !== group) groups.push({ name: group, buttons: [] });
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = brief;
    button.setAttribute("aria-label", `${brief}: ${title}`);
    button.addEventListener("click", () => go(i));
    groups.at(-1).buttons.push(button);
  });
  byId("strip").replaceChildren(...groups.map(({ name, buttons }) => {
    const whole = document.createElement("div");
    const heading = document.createElement("p");
    const row = document.createElement("span");
    heading.textContent = name;
    heading.id = `group-${name}`;
    row.append(...buttons);
    whole.append(heading, row);
    whole.setAttribute("role", "group");
    whole.setAttribute("aria-labelledby", heading.id);
    return whole;
  }));
}

function go(to) {
  if (!step.told || to < 0 || to >= step.told.stages.length || to === step.at) return;
  const stage = byId("stage");
  stage.classList.remove("forward", "backward");
  void stage.offsetWidth; // so that the motion begins anew
  stage.classList.add(step.told.stages[to].group === "Back" ? "backward" : "forward");
  step.at = to;
  showStage();
}

function showStage() {
  const { stages } = step.told;
  const { title, says, parts, formula, source } = stages[step.at];
  byId("title").textContent = title;
  byId("says").textContent = says;
  byId("status").textContent = `Stage ${step.at + 1} of ${stages.length}: ${title}. ${says}`;
  byId("parts").replaceChildren(...parts.map((part) => (part.names ? barsOf(part) : pictureOf(part, (unit) => {
    step.units[part.block] = unit;
    askNow();
  }))));
  byId("written").hidden = !source;
  if (source) {
    byId("formula").textContent = formula;
    byId("place").textContent = source.place;
    byId("code").firstElementChild.textContent = source.code;
  }
  byId("back").disabled = step.at === 0;
  byId("next").disabled = step.at === stages.length - 1;
  byId("strip").querySelectorAll("button").forEach((button, i) => {
    if (i === step.at) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
  });
  const row = byId("strip");
  const current = row.querySelector("[aria-current]");
  row.scrollLeft = current.offsetLeft - row.offsetLeft - row.clientWidth / 2;
}

byId("back").addEventListener("click", () => go(step.at - 1));
byId("next").addEventListener("click", () => go(step.at + 1));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, canvas, pre")) return;
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  go(step.at + by);
});

// --- The beginning ---------------------------------------------------------------------------

async function loadModel() { // whether the chosen one is there to be asked
  const mine = asked();
  step.turn += 1; // no answer is awaited of the one before
  clearTimeout(resting);
  byId("stage").classList.add("behind");
  const response = await fetch(`api/step?${mine}`);
  const told = await response.json();
  if (mine !== asked()) return false;
  if (!response.ok) {
    complain(told.problem);
    return false;
  }
  const same = told.names.join("\n") === step.names.join("\n");
  Object.assign(step, { names: told.names, kind: told.kind, linear: told.layers, units: null });
  if (!same) step.targets = told.names.map((_, i) => Number(i === 0 && told.kind === "multiclass"));
  return true;
}

async function changeModel() {
  if (!await loadModel()) return;
  showLabels();
  await ask();
}

async function start() {
  const [{ models, first }, { samples }] = await Promise.all(
    ["api/models", "api/samples"].map(async (path) => (await fetch(path)).json()));
  const given = JSON.parse(sessionStorage.getItem("step") || "{}");
  const chosen = models.includes(given.model) ? given.model : first;
  byId("models").replaceChildren(...models.map((name) => new Option(name, name, false, name === chosen)));
  if (given.moment && chosen === given.model) {
    const option = new Option(`${chosen}, ${given.moment.name}`, chosen, false, true);
    option.dataset.at = given.moment.at;
    byId("models").add(option, 0);
    option.selected = true;
  }
  await loadModel();
  const images = samples.map(bytesOf);
  byId("samples").replaceChildren(...images.map((image, digit) => {
    const button = document.createElement("button");
    const canvas = document.createElement("canvas");
    button.type = "button";
    button.setAttribute("aria-label", `a sample of ${digit}`);
    canvas.className = "pixels ink";
    paint(canvas, SIDE_OF_DIGIT, image.length, (i) => [0, 0, 0, image[i]]);
    button.append(canvas);
    button.addEventListener("click", () => {
      take(image, String(digit));
      askNow();
    });
    return button;
  }));
  if (given.image) take(given.image, given.text);
  else take(images[4], "4");
  if (step.linear) await ask();
}

byId("models").addEventListener("change", () => changeModel().catch(complainOfServer));
for (const id of ["rate", "taken"]) byId(id).addEventListener("input", askAtRest);
start().catch(complainOfServer);
