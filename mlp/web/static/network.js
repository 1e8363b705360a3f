// The network: its layers forward, backward, and what it answers, as mlp/nn and mlp/models do.
"use strict";

// --- Layers ----------------------------------------------------------------------------------

const sigmoid = (x) => 0.5 + 0.5 * Math.tanh(0.5 * x);

// An elementwise y = f(x), and its derivative by x and y; `of` has the numbers of the layer.
function elementwise(f, slope) {
  return {
    forward: (layer, x) => x.map((v) => f(v, layer)),
    backward: (layer, dy) => dy.map((d, i) => d * slope(layer.x[i], layer.y[i], layer)),
  };
}

const KINDS = {
  identity: elementwise((x) => x, () => 1),
  relu: elementwise((x) => Math.max(x, 0), (x) => (x > 0 ? 1 : 0)),
  leaky_relu: elementwise((x, { slope }) => Math.max(x, slope * x), (x, y, { slope }) => (x > 0 ? 1 : slope)),
  sigmoid: elementwise(sigmoid, (x, y) => y * (1 - y)),
  tanh: elementwise(Math.tanh, (x, y) => 1 - y * y),
  silu: elementwise((x) => x * sigmoid(x), (x, y) => sigmoid(x) + y * (1 - sigmoid(x))),
  gelu: elementwise(
    (x, of) => x * sigmoid(x * (of.bend + of.cubic * x * x)),
    (x, y, of) => {
      const s = sigmoid(x * (of.bend + of.cubic * x * x));
      return s + y * (1 - s) * (of.bend + 3 * of.cubic * x * x);
    },
  ),
  elu: elementwise(
    (x, { alpha }) => (x > 0 ? x : alpha * Math.expm1(x)),
    (x, y, { alpha }) => (x > 0 ? 1 : y + alpha),
  ),
  softplus: elementwise((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), (x) => sigmoid(x)),
  linear: {
    forward: ({ W, b, outputs }, x) => { // y = x W + b, W row by row, one for each input
      const y = b ? Float64Array.from(b) : new Float64Array(outputs);
      x.forEach((v, i) => {
        if (v) for (let o = 0, w = i * outputs; o < outputs; o += 1, w += 1) y[o] += v * W[w];
      });
      return y;
    },
    backward: ({ W, x, outputs }, dy) => x.map((_, i) => {
      let dx = 0;
      for (let o = 0, w = i * outputs; o < outputs; o += 1, w += 1) dx += dy[o] * W[w];
      return dx;
    }),
  },
  layer_norm: {
    forward: (layer, x) => {
      const mean = average(x);
      layer.scale = 1 / Math.sqrt(average(x.map((v) => (v - mean) ** 2)) + layer.eps);
      layer.normal = x.map((v) => (v - mean) * layer.scale);
      return layer.normal.map((v, i) => layer.gain[i] * v + layer.shift[i]);
    },
    backward: ({ gain, normal, scale }, dy) => {
      const h = dy.map((d, i) => d * gain[i]);
      const [mean, slant] = [average(h), average(h.map((d, i) => d * normal[i]))];
      return h.map((d, i) => (d - mean - normal[i] * slant) * scale);
    },
  },
  batch_norm: { // the running_mean and running_var of the training
    forward: (layer, x) => x.map((v, i) => factor(layer, i) * (v - layer.running_mean[i]) + layer.shift[i]),
    backward: (layer, dy) => dy.map((d, i) => d * factor(layer, i)),
  },
};

const factor = ({ gain, running_var, eps }, i) => gain[i] / Math.sqrt(running_var[i] + eps);

const average = (values) => values.reduce((total, v) => total + v, 0) / values.length;

function forward(layers, x) {
  for (const layer of layers) {
    layer.x = x;
    x = layer.y = KINDS[layer.kind].forward(layer, x);
    for (const unit of layer.off || []) x[unit] = 0; // a visitor may switch units off
  }
  return x;
}

function backward(layers, dy, passed = () => {}) { // for the latest forward pass
  for (const layer of layers.toReversed()) {
    for (const unit of layer.off || []) dy[unit] = 0;
    dy = KINDS[layer.kind].backward(layer, dy);
    passed(layer, dy);
  }
  return dy;
}

const linearOf = (layers) => layers.filter((layer) => layer.kind === "linear");
const endsOf = (layers) => layers.filter((_, k) => !layers[k + 1] || layers[k + 1].kind === "linear");
const offOf = (layers, k) => endsOf(layers)[k].off;
const isOff = ({ layers }, k, unit) => Boolean(offOf(layers, k)) && offOf(layers, k).has(unit);
const countOff = ({ layers }) => layers.reduce((count, { off }) => count + (off ? off.size : 0), 0);
const weightsOf = ({ W, inputs, outputs }, unit) => Float64Array.from({ length: inputs }, (_, i) => W[i * outputs + unit]);

// --- From the file ---------------------------------------------------------------------------

const KEPT = {
  int8: (bytes) => new Int8Array(bytes.buffer),
  float16: (bytes) => Float32Array.from(new Uint16Array(bytes.buffer), half),
  float32: (bytes) => new Float32Array(bytes.buffer),
  float64: (bytes) => new Float64Array(bytes.buffer),
};

function half(bits) {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
  return bits >> 15 ? -size : size;
}

const DIGITS85 =
  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

function bytesOf(base85) { // five digits are four bytes, as in Python's base64.b85encode
  const values = Uint8Array.from({ length: 128 }, (_, code) => Math.max(0, DIGITS85.indexOf(String.fromCharCode(code))));
  const count = Math.ceil(base85.length / 5);
  const bytes = new DataView(new ArrayBuffer(4 * count));
  for (let i = 0; i < count; i += 1) {
    let whole = 0;
    for (let k = 5 * i; k < 5 * i + 5; k += 1) whole = 85 * whole + (k < base85.length ? values[base85.charCodeAt(k)] : 84);
    bytes.setUint32(4 * i, whole);
  }
  return new Uint8Array(bytes.buffer, 0, Math.floor((4 * base85.length) / 5));
}

// Numbers that mlp/web/network.py packed: the first bytes of all, then the second of all, deflated.
async function unpack({ dtype, count, data }) {
  const stream = new Blob([bytesOf(data)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const size = planes.length / count;
  const bytes = new Uint8Array(planes.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = planes[(i % size) * count + Math.floor(i / size)];
  return KEPT[dtype](bytes);
}

async function unpackLayer(told) {
  const layer = { ...told };
  for (const name of ["W", "b", "gain", "shift", "running_mean", "running_var", "scales"]) {
    if (told[name]) layer[name] = await unpack(told[name]);
  }
  if (layer.scales) layer.W = Float32Array.from(layer.W, (q, i) => q * layer.scales[i % layer.outputs]);
  return layer;
}

async function unpackNetwork(told) {
  return { ...told, layers: await Promise.all(told.layers.map(unpackLayer)) };
}

// --- Answers ---------------------------------------------------------------------------------

function probabilitiesOf({ kind, logits, temperature }, outputs) {
  let values = Array.from(outputs);
  if (kind !== "multiclass") {
    if (logits) values = values.map((v) => sigmoid(v / temperature));
    else if (temperature !== 1) {
      values = values.map((v) => {
        const [yes, no] = [v, 1 - v].map((share) => share ** (1 / temperature));
        return yes / (yes + no);
      });
    }
  } else {
    const most = Math.max(...values);
    values = values.map((v) => (logits ? Math.exp((v - most) / temperature) : Math.max(v, 0) ** (1 / temperature)));
    const total = Math.max(values.reduce((a, b) => a + b, 0), Number.MIN_VALUE);
    values = values.map((v) => v / total);
  }
  return values.map((v) => (Number.isFinite(v) ? v : 0));
}

// What a network says of a digit's image and of each of its views, the image first.
function votesOf(network, { image, views }) {
  const ask = (bytes) =>
    probabilitiesOf(network, forward(network.layers, Float64Array.from(bytes, (byte) => Math.fround(byte / 255))));
  const ofViews = views.map(ask);
  return [ask(image), ...ofViews]; // the image last, whose values the layers then hold
}

// The votes in words, the probabilities that they come to, and how sure the answer is; `against` it speaks what
// the way to the digit tells.
function answerOf({ kind, names }, votes, against) {
  const probabilities = votes[0].map((_, i) => combined(votes.map((shares) => shares[i])));
  const sureOf = (shareOf) => confidenceOf(votes.map(shareOf), against);
  if (kind === "multiclass") {
    const best = probabilities.indexOf(Math.max(...probabilities));
    return { text: names[best], probabilities, confidence: sureOf((shares) => shares[best]) };
  }
  const yes = probabilities.map((share) => share > 0.5);
  const confidence = Math.min(...yes.map((is, i) => sureOf((shares) => (is ? shares[i] : 1 - shares[i]))));
  const text = kind === "binary" ? (yes[0] ? "yes" : "no") : names.filter((_, i) => yes[i]).join(" and ") || "nothing";
  return { text, probabilities, confidence };
}

const UNITS_SHOWN = 6; // of the first layer's, those that add most to the answer

// What a network says of a digit { image, views, against }, and how it came to it by the image.
function readDigit(network, digit) {
  const { layers } = network;
  const answer = answerOf(network, votesOf(network, digit), digit.against);
  const linear = linearOf(layers);
  const output = answer.probabilities.indexOf(Math.max(...answer.probabilities));
  const added = contributions(layers, linear, output);
  return {
    ...answer,
    sure: answer.confidence >= constants.SURE,
    image: digit.image,
    outputs: layers.at(-1).y,
    activations: endsOf(layers).map((layer) => layer.y),
    added,
    evidence: added[0],
    units: strongest(linear[0], added[1], output),
  };
}

// How much each layer's inputs add to an output: the input times its gradient, as
// mlp/models/attribution.py.
function contributions(layers, linear, output) {
  const added = [];
  const dy = new Float64Array(linear.at(-1).outputs);
  dy[output] = 1;
  backward(layers.slice(0, layers.lastIndexOf(linear.at(-1)) + 1), dy, (layer, dx) => {
    if (layer.kind === "linear") added.unshift(dx.map((d, i) => d * layer.x[i]));
  });
  return added;
}

function strongest(layer, added, output) {
  if (!added) return [{ unit: output, adds: null, weights: weightsOf(layer, output) }];
  return Array.from(added.keys())
    .sort((a, b) => added[b] - added[a])
    .slice(0, UNITS_SHOWN)
    .filter((unit) => added[unit] > 0)
    .map((unit) => ({ unit, adds: added[unit], weights: weightsOf(layer, unit) }));
}
