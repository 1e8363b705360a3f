// From a clean drawing to digits in MNIST's form, as mlp/handwriting does; it shares its constants.
"use strict";

// A plane is { height, width, data }, row by row: of ink, 0 for paper to 1, or of a mask, 0 and 1.
const constants = JSON.parse(document.getElementById("constants").textContent);

function plane(height, width, data = new Float32Array(height * width)) {
  return { height, width, data };
}

function mapped(source, value) {
  return plane(source.height, source.width, source.data.map(value));
}

const masked = (source, edge) => mapped(source, (v) => (v > edge ? 1 : 0));
const sum = (data) => data.reduce((total, v) => total + v, 0);
const roundEven = (v) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v)); // as Python rounds
const largest = (data) => data.reduce((most, v) => Math.max(most, v), 0);

// --- Filters ---------------------------------------------------------------------------------

// The lines of a plane along an axis: how many, how far apart, and how far apart their pixels are.
function linesOf({ height, width }, axis) {
  return axis === 0
    ? { count: width, apart: 1, length: height, step: width }
    : { count: height, apart: width, length: width, step: 1 };
}

function smooth(source, sigma) { // a Gaussian that is cut off at 3 sigma, edges repeated
  const reach = Math.ceil(3 * sigma);
  let weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / sigma) ** 2));
  const total = sum(weights);
  weights = weights.map((weight) => weight / total);
  for (const axis of [0, 1]) {
    const { count, apart, length, step } = linesOf(source, axis);
    const result = plane(source.height, source.width);
    const line = new Float32Array(length + 2 * reach);
    for (let n = 0; n < count; n += 1) {
      for (let i = 0; i < line.length; i += 1) {
        line[i] = source.data[n * apart + Math.min(length - 1, Math.max(0, i - reach)) * step];
      }
      for (let i = 0; i < length; i += 1) {
        let value = 0;
        for (let k = 0; k < weights.length; k += 1) value += weights[k] * line[i + k];
        result.data[n * apart + i * step] = value;
      }
    }
    source = result;
  }
  return source;
}

const BOX = { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
const BICUBIC = {
  support: 2,
  weight: (x) => {
    const t = Math.abs(x);
    return t < 1 ? (1.5 * t - 2.5) * t * t + 1 : t < 2 ? -0.5 * (((t - 5) * t + 8) * t - 4) : 0;
  },
};

function resize(source, height, width, filter) { // as Pillow does it: antialiased where it shrinks
  for (const axis of [1, 0]) {
    const { count, apart, length, step } = linesOf(source, axis);
    const wanted = axis ? width : height;
    const result = axis ? plane(source.height, width) : plane(height, source.width);
    const to = linesOf(result, axis);
    const scale = length / wanted;
    const spread = Math.max(scale, 1);
    for (let i = 0; i < wanted; i += 1) {
      const centre = (i + 0.5) * scale;
      const first = Math.max(0, Math.trunc(centre - filter.support * spread + 0.5));
      const last = Math.min(length, Math.trunc(centre + filter.support * spread + 0.5));
      let weights = [];
      for (let k = first; k < last; k += 1) weights.push(filter.weight((k - centre + 0.5) / spread));
      const total = sum(weights);
      weights = weights.map((weight) => weight / total);
      for (let n = 0; n < count; n += 1) {
        let value = 0;
        for (let k = 0; k < weights.length; k += 1) value += weights[k] * source.data[n * apart + (first + k) * step];
        result.data[n * to.apart + i * to.step] = value;
      }
    }
    source = result;
  }
  return source;
}

function padded(source, margin) {
  return crop(source, { top: -margin, left: -margin, bottom: source.height + margin, right: source.width + margin });
}

function crop(source, box) { // what of the box is outside the plane is paper
  const result = plane(box.bottom - box.top, box.right - box.left);
  const left = Math.max(0, box.left);
  const right = Math.min(source.width, box.right);
  for (let row = Math.max(0, box.top); row < Math.min(source.height, box.bottom); row += 1) {
    const part = source.data.subarray(row * source.width + left, row * source.width + right);
    result.data.set(part, (row - box.top) * result.width + left - box.left);
  }
  return result;
}

// --- Boxes and strokes -----------------------------------------------------------------------

const tall = (box) => box.bottom - box.top;
const wide = (box) => box.right - box.left;
const extent = (box) => Math.max(tall(box), wide(box));

function around(one, other) {
  return {
    top: Math.min(one.top, other.top), left: Math.min(one.left, other.left),
    bottom: Math.max(one.bottom, other.bottom), right: Math.max(one.right, other.right),
  };
}

function boxOf(mask) { // around all that is not 0
  const box = { top: Infinity, left: Infinity, bottom: 0, right: 0 };
  mask.data.forEach((v, i) => {
    if (v) grow(box, Math.floor(i / mask.width), i % mask.width);
  });
  return box;
}

function grow(box, row, column) {
  if (row < box.top) box.top = row;
  if (row >= box.bottom) box.bottom = row + 1;
  if (column < box.left) box.left = column;
  if (column >= box.right) box.right = column + 1;
}

// Connected components, diagonal neighbours included: their numbers from 1, and their boxes.
function components(mask) {
  const { height, width, data } = mask;
  const labels = new Int32Array(height * width);
  const parts = [];
  const stack = [];
  const visit = (i, label) => { labels[i] = label; stack.push(i); };
  for (let start = 0; start < data.length; start += 1) {
    if (!data[start] || labels[start]) continue;
    const label = parts.length + 1;
    const box = { top: Infinity, left: Infinity, bottom: 0, right: 0 };
    visit(start, label);
    while (stack.length) {
      const i = stack.pop();
      const row = Math.floor(i / width);
      const column = i % width;
      grow(box, row, column);
      for (let r = Math.max(0, row - 1); r <= Math.min(height - 1, row + 1); r += 1) {
        for (let c = Math.max(0, column - 1); c <= Math.min(width - 1, column + 1); c += 1) {
          const next = r * width + c;
          if (data[next] && !labels[next]) visit(next, label);
        }
      }
    }
    parts.push({ labels: [label], box });
  }
  return { labels, parts };
}

function strokeWidth(mask) { // twice the area over the outline's length
  const soft = smooth(padded(mask, constants.OUTLINE_MARGIN), constants.OUTLINE_BLUR);
  const { height, width, data } = soft;
  let outline = 0;
  for (let row = 1; row < height - 1; row += 1) {
    for (let i = row * width + 1; i < (row + 1) * width - 1; i += 1) {
      outline += Math.hypot(data[i + width] - data[i - width], data[i + 1] - data[i - 1]) / 2;
    }
  }
  return outline ? (2 * sum(mask.data)) / outline : 0;
}

// --- The format of MNIST ---------------------------------------------------------------------

function enlarge(soft) {
  const scale = (constants.MNIST_DIGIT * constants.FINE) / extent(boxOf(masked(soft, 0.5)));
  const [height, width] = [soft.height, soft.width].map((side) => Math.max(1, Math.round(side * scale)));
  const margin = constants.FINE_MARGIN * constants.FINE;
  const fine = padded(resize(soft, height, width, scale > 1 ? BICUBIC : BOX), margin);
  const sigma = constants.FINE_BLUR * constants.FINE + constants.PIXEL_BLUR * Math.max(scale, 1);
  const blurred = smooth(fine, sigma);
  const digit = masked(blurred, Math.min(constants.FINE_EDGE, constants.FINE_RIDGE * largest(blurred.data)));
  const box = boxOf(digit);
  return crop(digit, {
    top: Math.max(0, box.top - margin), left: Math.max(0, box.left - margin),
    bottom: Math.min(digit.height, box.bottom + margin), right: Math.min(digit.width, box.right + margin),
  });
}

// The squared distance from each pixel to the nearest in the mask, where it is below reach squared.
function squaredDistance(mask, reach) {
  let nearest = Float32Array.from(mask.data, (v) => (v ? 0 : Infinity));
  for (const axis of [0, 1]) {
    const { count, apart, length, step } = linesOf(mask, axis);
    const result = nearest.slice();
    for (let n = 0; n < count; n += 1) {
      for (let i = 0; i < length; i += 1) {
        const at = n * apart + i * step;
        for (let aside = 1; aside <= reach && aside ** 2 < result[at]; aside += 1) {
          if (i >= aside) result[at] = Math.min(result[at], nearest[at - aside * step] + aside ** 2);
          if (i + aside < length) result[at] = Math.min(result[at], nearest[at + aside * step] + aside ** 2);
        }
      }
    }
    nearest = result;
  }
  return nearest;
}

function withStrokeWidth(digit) { // as wide as MNIST's strokes
  const unit = extent(boxOf(digit)) / constants.MNIST_DIGIT;
  const width = strokeWidth(digit);
  const wanted = Math.min(constants.THICKEST * unit, Math.max(constants.THINNEST * unit, width));
  const growth = (wanted - width) / 2;
  const isWider = growth > 0;
  const edge = isWider ? digit : mapped(digit, (v) => 1 - v);
  const distance = squaredDistance(edge, Math.ceil(Math.abs(growth)) + 1);
  const strokes = mapped(digit, (v, i) => {
    const signed = v ? 0.5 - Math.sqrt(isWider ? Infinity : distance[i]) : Math.sqrt(isWider ? distance[i] : Infinity) - 0.5;
    return signed <= growth ? 1 : 0;
  });
  return sum(strokes.data) >= constants.LEAST_LEFT * sum(digit.data) ? strokes : digit;
}

function centre(strokes) { // in a box of 20 x 20 pixels, the centre of mass mid-image
  const digit = crop(strokes, boxOf(strokes));
  const scale = constants.MNIST_DIGIT / Math.max(digit.height, digit.width);
  const [height, width] = [digit.height, digit.width].map((side) => Math.max(1, roundEven(side * scale)));
  const small = resize(digit, height, width, BOX);
  const mass = sum(small.data);
  const side = constants.MNIST_SIDE;
  const start = (moment, length) =>
    Math.min(side - length, Math.max(0, roundEven((side - 1) / 2 - moment / mass)));
  let [down, across] = [0, 0];
  small.data.forEach((v, i) => { down += v * Math.floor(i / width); across += v * (i % width); });
  const [top, left] = [start(down, height), start(across, width)];
  const image = new Uint8Array(side * side);
  small.data.forEach((v, i) => {
    image[(top + Math.floor(i / width)) * side + left + (i % width)] = roundEven(Math.fround(255 * v));
  });
  return image;
}

// --- The whole way ---------------------------------------------------------------------------

// The digits of a plane of ink, in reading order: each { box, image, views, against }, images of 784 bytes, 255
// for ink.
function extractDigits(ink) {
  const pen = strokeWidth(masked(ink, 0.5));
  if (!pen) return [];
  const blurred = smooth(ink, constants.GRAIN_BLUR * constants.GRAIN_LEAST_BLUR * pen); // of no grain
  const half = largest(blurred.data) / 2;
  const inked = blurred.data.filter((v) => v > half);
  const edge = (constants.STROKE_EDGE * sum(inked)) / inked.length;
  const soft = mapped(blurred, (v) => Math.min(1, v / (2 * edge)));
  const { labels, parts } = components(masked(soft, 0.5));
  const digits = findDigits(parts, ink);
  return digits.map((digit) => {
    const own = mapped(soft, (v, i) => (labels[i] && !digit.labels.includes(labels[i]) ? 0 : v));
    const margin = constants.CUT_MARGIN;
    const cut = {
      top: Math.max(0, digit.box.top - margin), left: Math.max(0, digit.box.left - margin),
      bottom: Math.min(ink.height, digit.box.bottom + margin), right: Math.min(ink.width, digit.box.right + margin),
    };
    const alone = crop(own, cut);
    const strokes = withStrokeWidth(enlarge(alone));
    const against = evidenceAgainst(digit, digits, alone, ink, labels);
    return { box: digit.box, image: centre(strokes), views: drawViews(strokes), against };
  });
}
