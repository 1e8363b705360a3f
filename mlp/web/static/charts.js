// Curves and histograms as SVG elements, which are kept and changed, so that nothing flickers.
"use strict";

const NAMESPACE = new DOMParser().parseFromString("<svg></svg>", "text/html").querySelector("svg").namespaceURI;
const CHART = { width: 340, height: 190, left: 50, right: 8, top: 20, bottom: 20 };
const BARS = { width: 200, height: 74, left: 4, right: 4, top: 4, bottom: 18 };

function svg(name, attributes, text) {
  const element = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const inEpochs = (count) => (count === 1 ? "1 epoch" : `${count} epochs`);

function placed(value, low, high, start, stop) {
  return start + (high > low ? (value - low) / (high - low) : 0.5) * (stop - start);
}

// The figures of a row, made if they are not there: how many they are decides how wide one is drawn.
function figuresOf(row, count) {
  while (row.children.length < count) {
    const figure = document.createElement("figure");
    figure.append(svg("svg", { class: "chart", role: "img" }), document.createElement("figcaption"));
    row.append(figure);
  }
  return row.children;
}

// As many units as it has pixels, so that its words have one size on every screen.
const widthOf = (figure, usual) => figure.firstElementChild.clientWidth || usual.width;

// Lines over the epochs: { name, points: [[x, y], …] } each; `right` is where the run will end.
function drawLines(figure, title, lines, right, write) {
  const { height, left, right: margin, top, bottom } = CHART;
  const width = widthOf(figure, CHART);
  const points = lines.flatMap((line) => line.points);
  const heights = points.map(([, y]) => y);
  const [low, high] = heights.length ? [Math.min(...heights), Math.max(...heights)] : [0, 1];
  const floor = height - bottom;
  const parts = [
    svg("path", { class: "axis", d: `M${left} ${top}V${floor}H${width - margin}` }),
    svg("text", { x: left - 4, y: top + 8, "text-anchor": "end" }, heights.length ? write(high) : ""),
    svg("text", { x: left - 4, y: floor, "text-anchor": "end" }, heights.length ? write(low) : ""),
    svg("text", { x: left, y: height - 6 }, "0"),
    svg("text", { x: width - margin, y: height - 6, "text-anchor": "end" }, inEpochs(right)),
  ];
  let beside = left;
  lines.forEach((line, k) => {
    const path = line.points.map(([x, y]) =>
      `${placed(x, 0, right, left, width - margin).toFixed(1)},${placed(y, low, high, floor, top).toFixed(1)}`);
    if (path.length === 1) {
      const [cx, cy] = path[0].split(",");
      parts.push(svg("circle", { class: `line-${k}`, cx, cy, r: 3 }));
    }
    parts.push(svg("polyline", { class: `line line-${k}`, points: path.join(" ") }));
    parts.push(svg("text", { class: `line-${k}`, x: beside, y: 11 }, line.name));
    beside += 7 * line.name.length + 12;
  });
  fill(figure, title, width, height, parts);
}

function drawHistogram(figure, title, { low, high, counts }) {
  const { height, left, right, top, bottom } = BARS;
  const width = widthOf(figure, BARS);
  const most = Math.max(1, ...counts);
  const floor = height - bottom;
  const step = (width - left - right) / counts.length;
  const parts = counts.map((count, k) => {
    const tall = Math.sqrt(count / most) * (floor - top); // a root, so that few are seen beside many
    return svg("rect", { class: "bars-of", x: (left + k * step).toFixed(2), y: (floor - tall).toFixed(2),
      width: (step * 0.85).toFixed(2), height: tall.toFixed(2) });
  });
  if (low < 0 && high > 0) {
    const zero = placed(0, low, high, left, width - right).toFixed(1);
    parts.push(svg("line", { class: "zero", x1: zero, x2: zero, y1: top, y2: floor }));
  }
  parts.push(svg("text", { x: left, y: height - 4 }, low.toPrecision(2)));
  parts.push(svg("text", { x: width - right, y: height - 4, "text-anchor": "end" }, high.toPrecision(2)));
  fill(figure, title, width, height, parts);
}

function fill(figure, title, width, height, parts) {
  const [chart, caption] = figure.children;
  chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
  chart.setAttribute("aria-label", title);
  if (caption.textContent !== title) caption.textContent = title;
  chart.replaceChildren(...parts);
}
