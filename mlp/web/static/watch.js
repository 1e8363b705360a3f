// The page of mlp watch: each moment that a run tells of is shown as it comes.
"use strict";

const byId = (id) => document.getElementById(id);
const share = (value) => `${(100 * value).toFixed(1)} %`;
const bytesOfText = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

function complain(text) {
  byId("problem").textContent = text;
  byId("problem").hidden = !text;
}

const STREAMS = 5; // which a browser keeps open to a server, and one connection more to ask

const watched = []; // the runs

function addRun(number, name) {
  const run = watchRun(number, name);
  watched.push(run);
  if (watched.length > STREAMS) watched.filter(({ ended }) => ended).forEach(({ source }) => source.close());
  return run;
}

function watchRun(number, name) {
  const view = byId("run").content.cloneNode(true).firstElementChild;
  const one = (selector) => view.querySelector(selector);
  const run = { number, view, one, epoch: -1, ended: false, source: null };
  one(".name").textContent = name;
  byId("runs").append(run.view);
  connectControls(run);
  const source = new EventSource(`api/events?run=${number}`);
  run.source = source;
  source.onmessage = ({ data }) => {
    complain("");
    showMoment(run, JSON.parse(data));
    if (run.ended && watched.length > STREAMS) source.close(); // the others need the connection
  };
  source.addEventListener("gone", () => {
    source.close();
    finish(run, "the folder of the run is gone");
  });
  source.onerror = () => {
    if (run.ended) source.close(); // nothing more will come
    else complain("The server does not answer: has mlp watch, or the training, ended?");
  };
  return run;
}

// --- What is asked of the run ------------------------------------------------------------------

function connectControls(run) {
  const { one } = run;
  const say = (text) => { one(".asked").textContent = text; };
  one(".pause").addEventListener("click", () => {
    const paused = one(".pause").getAttribute("aria-pressed") !== "true";
    setPaused(run, paused);
    say(paused ? "It waits after the updates that are under way. Step makes the next few; closing this page lets it go on." : "");
    ask(run, { paused });
  });
  one(".step").addEventListener("click", () => ask(run, { step: true }));
  one(".rate").addEventListener("change", () => {
    say("The learning rate changes with the next epoch.");
    ask(run, { rate: Number(one(".rate").value) });
  });
  one(".stop").addEventListener("click", () => {
    say("It stops after this epoch, and keeps the network.");
    setPaused(run, false);
    one(".stop").disabled = true;
    ask(run, { stop: true });
  });
}

function setPaused(run, paused) {
  run.one(".pause").setAttribute("aria-pressed", paused);
  run.one(".pause").textContent = paused ? "Go on" : "Pause";
  run.one(".step").disabled = !paused;
}

async function ask(run, change) {
  try {
    const response = await fetch(`api/ask?run=${run.number}`, { method: "POST", body: JSON.stringify(change) });
    if (!response.ok) complain((await response.json()).problem);
  } catch {
    complain("The server does not answer: has mlp watch, or the training, ended?");
  }
}

const controlsOf = (run) => run.view.querySelectorAll(".controls button, .controls select");

function finish(run, text) {
  run.ended = true;
  for (const control of controlsOf(run)) control.disabled = true;
  run.one(".asked").textContent = "";
  run.one(".state").textContent = text;
  run.one("[role=status]").textContent = text;
}

// --- A moment ----------------------------------------------------------------------------------

function showMoment(run, moment) {
  if (moment.state) {
    showState(run, moment);
    const panels = { weights: showWeights, confusion: showConfusion, mistakes: showMistakes, layers: showLayers };
    for (const [name, show] of Object.entries(panels)) {
      run.one(`.${name}`).hidden = !moment[name]; // a heading alone says nothing
      if (moment[name]) show(run, moment);
    }
  } else if (!moment.trains) {
    const last = moment.history.at(-1);
    finish(run, `nothing trains here now${last ? `, after ${inEpochs(last.epoch)}` : ""}${measured(moment)}`);
  }
  showCurves(run, moment);
}

// What says how right the answers of a task are, as the terminal writes it: R² is no share.
const scoreName = (kind) => (kind === "regression" ? "R²" : "accuracy");
const scoreText = (kind, value) => (kind === "regression" ? value.toFixed(4) : share(value));

function measured({ kind, history }) {
  const score = history.at(-1)?.test_accuracy;
  return typeof score === "number" ? `, test ${scoreName(kind)} ${scoreText(kind, score)}` : "";
}

function showState(run, moment) {
  const { one } = run;
  const { state, about, history } = moment;
  if (run.ended && !state.ended) { // it was resumed
    run.ended = false;
    run.epoch = -1;
    for (const control of controlsOf(run)) control.disabled = false;
  }
  if (run.epoch < 0) { // the page was opened anew, and the run may wait already
    setPaused(run, state.asked.paused);
    one(".rate").value = state.asked.rate ?? state.rate;
  }
  const { sizes, activation } = about.network;
  one(".about").textContent = `${sizes.join("-")}, ${activation}, ${about.parameters.toLocaleString("en")} parameters, ${about.dataset}, on ${about.device}`;
  const done = Math.min(1, (state.epoch + state.update / state.steps) / about.epochs);
  one(".done").style.width = `${100 * done}%`;
  const last = history.at(-1);
  const rate = state.rate === 1 ? "" : `, learning rate × ${state.rate}`;
  const where = `epoch ${Math.min(state.epoch + 1, about.epochs)} of ${about.epochs}, update ${state.update} of ${state.steps}`;
  if (state.ended) {
    const why = state.stopped ? `stopped: ${state.stopped}` : "the training has ended";
    finish(run, `${why}, after ${state.epoch} of ${inEpochs(about.epochs)}${measured(moment)}${rate}`);
  } else {
    one(".state").textContent = `${state.paused ? "waiting at " : ""}${where}${measured(moment)}${rate}`;
    if (state.epoch !== run.epoch && last) one("[role=status]").textContent = `epoch ${last.epoch} done${measured(moment)}`;
  }
  run.epoch = state.epoch;
}

function showCurves(run, { kind, history, losses = [], about }) {
  if (!history.length && !losses.length) return;
  run.one(".curves").hidden = false;
  const [loss, accuracy] = figuresOf(run.one(".charts"), 2);
  const right = Math.max(about ? about.epochs : 1, ...history.map(({ epoch }) => epoch));
  const over = (name) => history.filter((epoch) => epoch[name] !== null).map((epoch) => [epoch.epoch, epoch[name]]);
  const training = losses.length ? losses : over("loss");
  const lossLines = [{ name: "training", points: training.filter(([, y]) => y !== null) }];
  const validation = over("validation_loss");
  if (validation.length) lossLines.push({ name: "validation", points: validation });
  drawLines(loss, "loss", lossLines, right, (value) => value.toPrecision(3));
  const accuracies = ["train", "test", "validation"]
    .map((name) => ({ name, points: over(`${name}_accuracy`) })).filter(({ points }) => points.length);
  run.one(".curves h3").textContent = `Loss and ${scoreName(kind)}`;
  drawLines(accuracy, `${scoreName(kind)}, after each epoch`, accuracies, right, (value) => scoreText(kind, value));
}

function showWeights(run, { weights, layers = [] }) {
  const grid = run.one(".grid");
  const values = new Int8Array(bytesOfText(weights.data).buffer);
  const inputs = values.length / weights.units;
  const columns = weights.shape ? weights.shape[1] : nearSquare(inputs);
  const dead = new Set(layers.length ? layers[0].dead : []);
  while (grid.children.length > weights.units) grid.lastChild.remove();
  while (grid.children.length < weights.units) {
    const canvas = document.createElement("canvas");
    canvas.className = "pixels";
    grid.append(canvas);
  }
  for (let unit = 0; unit < weights.units; unit += 1) {
    const canvas = grid.children[unit];
    const own = values.subarray(unit * inputs, (unit + 1) * inputs);
    paint(canvas, columns, inputs, (i) => [...(own[i] > 0 ? POSITIVE : NEGATIVE), 2 * Math.abs(own[i])]);
    canvas.classList.toggle("dead", dead.has(unit));
  }
  const shown = weights.units < weights.of ? `the first ${weights.units} of ${weights.of} units` : `${weights.of} units`;
  grid.setAttribute("aria-label", `The weights of ${shown} as pictures`);
  run.one(".weights .legend").replaceChildren(
    `${shown}; `, mark("against", "negative"), ", ", mark("for", "positive"),
    `, full from ${weights.maximum.toPrecision(3)} on`);
}

function mark(kind, text) {
  const word = document.createElement("b");
  word.className = kind;
  word.textContent = text;
  return word;
}

function showConfusion(run, { confusion, names, sample, correct, weights }) {
  const table = document.createElement("table");
  const heads = [cell("th", "")].concat(names.map((name) => cell("th", name, "col")));
  table.append(rowOf(heads));
  confusion.forEach((counts, label) => {
    const total = Math.max(1, counts.reduce((sum, count) => sum + count, 0));
    table.append(rowOf([cell("th", names[label], "row"), ...counts.map((count, read) => {
      const target = cell("td", count || "");
      const strength = Math.round(80 * Math.sqrt(count / total));
      const colour = read === label ? "var(--bar)" : "var(--for)";
      target.style.backgroundColor = count ? `color-mix(in srgb, ${colour} ${strength}%, transparent)` : "";
      return target;
    })]));
  });
  const caption = document.createElement("caption");
  caption.className = "spoken";
  caption.textContent = "A line is the right answer, a column what is read";
  table.prepend(caption);
  run.one(".table").replaceChildren(table);
  run.one(".confusion .legend").textContent =
    `${correct} of ${sample.images} test ${weights.shape ? "images" : "rows"} are read right; a line is the right answer, a column what is read.`;
}

function cell(kind, text, scope) {
  const made = document.createElement(kind);
  made.textContent = text;
  if (scope) made.scope = scope;
  return made;
}

function rowOf(cells) {
  const row = document.createElement("tr");
  row.append(...cells);
  return row;
}

function showMistakes(run, { mistakes }) {
  const row = run.one(".mistakes .row");
  while (row.children.length > mistakes.length) row.lastChild.remove();
  mistakes.forEach(({ row: number, label, read, confidence, shape, image }, k) => {
    if (!row.children[k]) row.append(emptyFigure());
    const [canvas, caption] = row.children[k].children;
    canvas.className = "pixels ink";
    const pixels = bytesOfText(image);
    paint(canvas, shape[1], pixels.length, (i) => [0, 0, 0, pixels[i]]);
    caption.textContent = `${label} read as ${read}, ${share(confidence)}`;
    canvas.setAttribute("aria-label", `test image ${number}: ${label}`);
  });
  run.one(".mistakes .none").hidden = mistakes.length > 0;
}

function showLayers(run, { layers }) {
  const list = run.one(".layers .list");
  while (list.children.length < layers.length) {
    const made = document.createElement("div");
    made.className = "layer";
    const figures = document.createElement("div");
    figures.className = "row histograms";
    made.append(document.createElement("h4"), figures);
    list.append(made);
  }
  layers.forEach((layer, k) => {
    const [title, figures] = list.children[k].children;
    title.textContent = `layer ${k + 1}: ${layer.units} units, ${layer.name.replace("()", "")}`;
    for (const kind of ["dead", "saturated"]) {
      if (layer[kind].length) title.append(", ", mark("dead", `${layer[kind].length} ${kind}`));
    }
    const [answers, gradients] = figuresOf(figures, 2);
    drawHistogram(answers, "what its units answer", layer.activations);
    drawHistogram(gradients, "gradient of its weights", layer.gradients);
  });
}

async function start() {
  const { runs, starts } = await (await fetch("api/runs")).json();
  runs.forEach((name, number) => addRun(number, name));
  if (starts) offerStart(!runs.length);
}

start().catch(() => complain("The server does not answer: has mlp watch, or the training, ended?"));
