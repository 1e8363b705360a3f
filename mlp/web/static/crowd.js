// The visitor's digit among some hundred others: where it lies on a map, and which of them excite a unit.
"use strict";

const NEIGHBOURS = 5;
const EDGE = 14; // pixels around the map
const TSNE = ", t-SNE"; // behind what such a map goes by
const crowd = {
  labels: [],
  maps: {}, // by what they go by: { mean, axes, points, share }, of t-SNE { points, rows, unit }
  laying: false, // whether the server lays digits out
  network: null, // for which these maps were laid out
  place: null, // of the digit that is looked at
  others: document.createElement("canvas"), // as they were drawn last, for `drawn`
  drawn: "",
  loads: 0, // counts what came, so that maps of another network are drawn anew
};
window.crowd = crowd; // for tests

// What the server is asked about: a network, or a snapshot of it.
const queryOf = ({ name, at }) => `model=${encodeURIComponent(name)}${at ? `&at=${at}` : ""}`;

function forgetCrowd() { // where another network laid them out tells nothing of this one
  Object.assign(crowd, { maps: {}, place: null });
  byId("map-by").disabled = true;
  byId("map-words").textContent = "";
  showMap();
}

async function loadCrowd(network) {
  const response = await fetch(`api/crowd?${queryOf(network)}`);
  const told = await response.json();
  if (network !== live.network) return;
  if (!response.ok) {
    forgetCrowd();
    byId("map-words").textContent = `There is no map: ${told.problem}.`;
    return;
  }
  Object.assign(crowd, told, { network });
  crowd.loads += 1;
  const plain = Object.keys(crowd.maps);
  const names = [...plain, ...told.tsne.map((name) => name + TSNE)];
  const before = byId("map-by").value;
  byId("map-by").replaceChildren(...names.map((name) => new Option(name, name)));
  byId("map-by").value = names.includes(before) ? before : plain.at(-1);
  byId("map-by").disabled = false;
  showMap();
}

function placeOf({ mean, axes }, values) { // along the two axes
  return axes.map((axis) => axis.reduce((sum, a, i) => sum + a * (values[i] - mean[i]), 0));
}

function placeAmong(points, nearest) { // the nearer a neighbour, the more it counts
  const weights = nearest.map(([away]) => 1 / (away + 1e-9));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return [0, 1].map((axis) => nearest.reduce((sum, [, i], k) => sum + weights[k] * points[i][axis], 0) / total);
}

const VALUES = { // what of a digit each map goes by
  "pixels": ({ image }) => Float64Array.from(image, (byte) => byte / 255),
  "last hidden layer": ({ activations }) => activations.at(-2),
  "outputs": ({ activations }) => activations.at(-1),
};

function showMap() {
  const by = byId("map-by").value;
  const map = crowd.maps[by];
  if (!map?.points) {
    contextOf(byId("map"), 0, 0, 1);
    if (map) byId("map-words").textContent = `There is no map: ${map.problem}.`;
    else if (by.endsWith(TSNE) && !byId("map-by").disabled) layOut(by).catch(complainOfServer);
    return;
  }
  const goesBy = by.replace(TSNE, "");
  const { digits, network } = shown.result; // a picture may still show what the network before read
  const tells = network === live.network && (network === crowd.network || goesBy === "pixels");
  const digit = tells ? digits[shown.chosen] : null;
  byId("map").classList.toggle("behind", network === live.network && !tells);
  const [place, nearest] = digit ? placeAndNearest(map, VALUES[goesBy](digit)) : [null, []];
  crowd.place = place;
  drawMap(by, map.points, nearest);
  const words = nearest.length ? `Its nearest neighbours here are ${nearest.map((i) => crowd.labels[i]).join(", ")}. ` : "";
  const how = map.rows ? "t-SNE lays out together what is alike; yours is set among its neighbours."
    : `The two directions tell ${percent(map.share)} of how the digits differ.`;
  byId("map-words").textContent = words + how;
}

function placeAndNearest(map, values) { // of t-SNE the neighbours tell the place, else it them
  if (!map.rows) {
    const place = placeOf(map, values);
    return [place, nearestOf(map.points.map(([x, y]) => (x - place[0]) ** 2 + (y - place[1]) ** 2)).map(([, i]) => i)];
  }
  const nearest = nearestOf(map.rows.map((row) => row.reduce((sum, v, k) => sum + (v * map.unit - values[k]) ** 2, 0)));
  return [placeAmong(map.points, nearest), nearest.map(([, i]) => i)];
}

async function layOut(by) { // by t-SNE, one at a time
  if (crowd.laying) return;
  crowd.laying = true;
  byId("map-words").textContent = "The digits are being laid out …";
  const { network } = crowd;
  try {
    const response = await fetch(`api/crowd?${queryOf(network)}&by=${encodeURIComponent(by.replace(TSNE, ""))}`);
    const told = await response.json();
    if (network === crowd.network) crowd.maps[by] = response.ok ? { ...told, rows: rowsOf(told) } : told;
    crowd.loads += 1;
  } finally {
    crowd.laying = false;
  }
  showMap();
}

function rowsOf({ points, rows }) { // integers with a sign, a row each
  const all = new Int8Array(bytesOf(rows));
  const width = all.length / points.length;
  return points.map((_, i) => all.subarray(i * width, (i + 1) * width));
}

function nearestOf(away) { // [how far, which], the nearest first
  return away.map((far, i) => [far, i]).sort((a, b) => a[0] - b[0]).slice(0, NEIGHBOURS);
}

function drawMap(by, points, nearest) {
  const view = byId("map");
  const { clientWidth: width, clientHeight: height } = view;
  const dots = window.devicePixelRatio || 1;
  const style = getComputedStyle(document.body);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const spans = [0, 1].map((axis) => {
    const along = points.map((point) => point[axis]);
    return [Math.min(...along), Math.max(...along)];
  });
  const along = (value, [low, high], room) => { // what lies outside is shown at the edge
    const share = Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
    return EDGE + share * (room - 2 * EDGE);
  };
  const at = ([x, y]) => [along(x, spans[0], width), along(y, spans[1], height)];
  const key = [crowd.loads, by, width, height, dots, colour("faint")].join();
  if (crowd.drawn !== key) { // the others stay, while one draws
    crowd.drawn = key;
    const context = contextOf(crowd.others, width, height, dots);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = colour("faint");
    points.forEach((point, i) => context.fillText(crowd.labels[i], ...at(point)));
  }
  const context = contextOf(view, width, height, dots);
  if (width && height) context.drawImage(crowd.others, 0, 0, width, height);
  if (!crowd.place) return;
  const own = at(crowd.place);
  context.strokeStyle = colour("accent");
  context.fillStyle = colour("text");
  context.font = "700 14px system-ui, sans-serif";
  for (const i of nearest) {
    context.beginPath();
    context.moveTo(...own);
    context.lineTo(...at(points[i]));
    context.stroke();
    context.fillText(crowd.labels[i], ...at(points[i]));
  }
  context.beginPath();
  context.arc(...own, 6, 0, 2 * Math.PI);
  context.fillStyle = colour("accent");
  context.fill();
}

function contextOf(canvas, width, height, dots) { // a blank one, in pixels of the page
  [canvas.width, canvas.height] = [Math.round(width * dots), Math.round(height * dots)];
  const context = canvas.getContext("2d");
  context.scale(dots, dots);
  context.textAlign = "center";
  context.textBaseline = "middle";
  return context;
}

byId("map-by").addEventListener("change", showMap);
new ResizeObserver(showMap).observe(byId("map"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showMap);
live.told.push(showMap);

// --- The digits that excite a unit most ------------------------------------------------------

circles.looked = (spot) => showExciting(spot).catch(complainOfServer);

async function showExciting(spot) {
  const row = byId("exciting");
  row.replaceChildren();
  if (!spot) return;
  const { k, unit } = spot;
  const { network } = circles;
  const isWanted = () => circles.network === network && isAt(circles.chosen, k, unit);
  const response = await fetch(`api/exciting?${queryOf(network)}&layer=${k}&unit=${unit}`);
  if (!response.ok || !isWanted()) return;
  const { images, responses } = await response.json();
  if (!isWanted()) return;
  row.replaceChildren(...images.map((image, i) => {
    const figure = emptyFigure();
    const [canvas, caption] = figure.children;
    const bytes = bytesOf(image);
    canvas.className = "pixels ink";
    paint(canvas, constants.MNIST_SIDE, bytes.length, (p) => [0, 0, 0, bytes[p]]);
    caption.textContent = responses[i].toPrecision(3);
    canvas.setAttribute("aria-label", `a digit that it answers with ${responses[i].toPrecision(3)}`);
    return figure;
  }));
}
