// One digit written otherwise, and what else speaks against its reading, as mlp/handwriting/views.py and
// doubt.py do.
"use strict";

// With a finer pen, upright, narrower, and wider: four images of 784 bytes, of the mask that `centre` takes.
function drawViews(strokes) {
  const slant = Math.min(constants.VIEW_SLANT, Math.max(-constants.VIEW_SLANT, slantOf(strokes)));
  const masks = [
    thinned(strokes),
    redrawn(strokes, -slant, 1),
    redrawn(strokes, 0, 1 / constants.VIEW_STRETCH),
    redrawn(strokes, 0, constants.VIEW_STRETCH),
  ];
  return masks.map((mask) => centre(mask.data.includes(1) ? mask : strokes));
}

function slantOf({ width, data }) { // to the right, in pixels for each pixel upwards
  let [count, rows, columns] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 1) {
    if (!data[i]) continue;
    count += 1;
    rows += Math.floor(i / width);
    columns += i % width;
  }
  let [across, along] = [0, 0];
  for (let i = 0; i < data.length; i += 1) {
    if (!data[i]) continue;
    const down = Math.floor(i / width) - rows / count;
    across += down * ((i % width) - columns / count);
    along += down ** 2;
  }
  return -across / Math.max(along, 1);
}

function thinned(strokes) { // by a pixel all round; not at all where a stroke would break
  const { height, width, data } = strokes;
  const thin = mapped(strokes, (v, i) => {
    if (!v) return 0;
    const row = Math.floor(i / width);
    const column = i % width;
    for (let r = Math.max(0, row - 1); r <= Math.min(height - 1, row + 1); r += 1) {
      for (let c = Math.max(0, column - 1); c <= Math.min(width - 1, column + 1); c += 1) {
        if (!data[r * width + c]) return 0;
      }
    }
    return 1;
  });
  const count = (mask) => components(mask).parts.length;
  return thin.data.includes(1) && count(thin) <= count(strokes) ? thin : strokes;
}

// Each row moved to the right by `shear` pixels for each pixel upwards, and stretched, as Pillow does it.
function redrawn({ height, width, data }, shear, stretch) {
  const wider = roundEven(width * stretch + Math.abs(shear) * height) + 2;
  const across = 1 / stretch;
  const start = width / 2 - (across * wider) / 2 - (shear * height) / 2;
  const result = plane(height, wider);
  for (let row = 0; row < height; row += 1) {
    const at = (column) => data[row * width + Math.min(width - 1, Math.max(0, column))];
    for (let column = 0; column < wider; column += 1) {
      const x = across * (column + 0.5) + shear * (row + 0.5) + start;
      if (x < 0 || x >= width) continue;
      const left = Math.floor(x - 0.5);
      const level = at(left) + (at(left + 1) - at(left)) * (x - 0.5 - left);
      result.data[row * wider + column] = Math.fround(level) > 0.5 ? 1 : 0;
    }
  }
  return result;
}

// What the way to a digit tells against it: ink left out, whether it is in pieces, soft edges beyond the usual.
// It is `alone`, of the pieces that `digit` has among all that were found, in a plane of their labels.
function evidenceAgainst(digit, digits, alone, { height, width }, labels) {
  const near = roundEven(constants.NEARBY * extent(digit.box));
  const { top, left, bottom, right } = digit.box;
  const known = new Set(digits.flatMap((other) => other.labels));
  const own = new Set(digit.labels);
  let [area, strange] = [0, 0];
  for (let row = Math.max(0, top - near); row < Math.min(height, bottom + near); row += 1) {
    for (let i = row * width + Math.max(0, left - near); i < row * width + Math.min(width, right + near); i += 1) {
      if (own.has(labels[i])) area += 1;
      else if (labels[i] && !known.has(labels[i])) strange += 1;
    }
  }
  const solid = alone.data.filter((v) => v > 0.5).length;
  const soft = alone.data.filter((v) => v > constants.SOFT_FROM && v < 1 - constants.SOFT_FROM).length;
  return [
    Math.min(strange / area, constants.MOST_LEFT_OUT),
    digit.labels.length > 1 ? 1 : 0,
    Math.min(Math.max(soft / solid - constants.SOFT_USUAL, 0), constants.MOST_SOFT),
  ];
}
