// The network at work: what it sees, how its units respond, and which of them speak for the answer.
"use strict";

const ONE_ROW = 12; // a layer of up to so many units is shown as one row
const ROBUST = 0.99; // full colour stands for this quantile of the sizes: one outlier dims nothing
const POSITIVE = [240, 120, 10]; // orange and blue, which the colour-blind tell apart too
const NEGATIVE = [50, 120, 240];

function showInside(digit) {
  const { network } = live;
  if (!network) return;
  const side = constants.MNIST_SIDE;
  const image = digit ? digit.image : new Uint8Array(side * side);
  paint(byId("image"), side, image.length, (i) => [0, 0, 0, image[i]]);
  paintSigned(byId("evidence"), side, digit ? digit.evidence : image);
  byId("explained").hidden = !digit;
  showLayers(network, digit);
  const units = digit ? digit.units : [];
  showFigures(byId("units"), units.map((unit) => ({
    caption: `unit ${unit.unit}: ${unit.adds === null ? "the answer's own" : `+${unit.adds.toPrecision(2)}`}`,
    columns: side, values: unit.weights,
  })));
  byId("units-title").hidden = !units.length;
  const accuracy = network.test_accuracy;
  byId("about").textContent =
    `${network.name}: ${network.sizes.join("-")}, ${network.activation}, ${network.parameters.toLocaleString("en")} parameters` +
    (accuracy === null ? "." : `; it reads ${percent(accuracy)} of its test images.`);
}

function showLayers({ sizes }, digit) {
  const last = sizes.length - 2;
  showFigures(byId("layers"), sizes.slice(1).map((units, k) => {
    const values = digit ? digit.activations[k] : new Float64Array(units);
    const active = values.filter((v) => v > 0).length;
    const respond = digit ? `, ${active} of them respond` : "";
    return {
      caption: k < last ? `layer ${k + 1}: ${units} units${respond}` : `output: ${units} units`,
      columns: units <= ONE_ROW ? units : nearSquare(units),
      values,
    };
  }));
}

// The columns of a grid, as square as the count allows; one without gaps if at most twice as wide.
function nearSquare(count) {
  let rows = Math.floor(Math.sqrt(count));
  while (count % rows) rows -= 1;
  return count <= 2 * rows ** 2 ? count / rows : Math.ceil(Math.sqrt(count));
}

// --- Pictures of numbers ---------------------------------------------------------------------

function showFigures(row, figures) { // keeps the figures that are there, so that nothing flickers
  while (row.children.length > figures.length) row.lastChild.remove();
  figures.forEach(({ caption, columns, values }, i) => {
    if (!row.children[i]) row.append(emptyFigure());
    const [target, text] = row.children[i].children;
    if (text.textContent !== caption) {
      text.textContent = caption;
      target.setAttribute("aria-label", caption);
    }
    paintSigned(target, columns, values);
  });
}

function emptyFigure() {
  const whole = document.createElement("figure");
  const target = document.createElement("canvas");
  target.className = "pixels";
  target.setAttribute("role", "img");
  whole.append(target, document.createElement("figcaption"));
  return whole;
}

function paint(target, columns, count, colour) {
  const rows = Math.ceil(count / columns);
  if (target.width !== columns || target.height !== rows) [target.width, target.height] = [columns, rows];
  const context = target.getContext("2d");
  const pixels = context.createImageData(columns, rows);
  for (let i = 0; i < count; i += 1) pixels.data.set(colour(i), 4 * i);
  context.putImageData(pixels, 0, 0);
}

// Values of either sign in two colours; those of one sign, such as a ReLU's, in that of the text.
function paintSigned(target, columns, values, isSigned = values.some((v) => v < 0)) {
  const sizes = Float64Array.from(values, Math.abs).sort();
  const full = quantile(sizes, ROBUST) || sizes.at(-1) || 1;
  const lit = getComputedStyle(document.body).color.match(/\d+/g).slice(0, 3).map(Number);
  paint(target, columns, values.length, (i) => {
    const strength = 255 * Math.min(1, Math.abs(values[i]) / full);
    return [...(!isSigned ? lit : values[i] > 0 ? POSITIVE : NEGATIVE), strength];
  });
}

function quantile(sorted, share) {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}
