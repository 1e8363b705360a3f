// Numbers as pictures and as bars; each can be read with a pointer and with the keyboard.
"use strict";

function partOf(name) {
  const whole = document.createElement("div");
  const heading = document.createElement("h3");
  whole.className = "part";
  heading.textContent = name;
  whole.append(heading);
  return whole;
}

// A picture of a vector. Where its elements are units, `chosen` is called with one of them.
function pictureOf({ name, values, block, unit }, chosen) {
  const whole = partOf(name);
  const cells = document.createElement("div");
  const canvas = document.createElement("canvas");
  const told = document.createElement("output");
  const columns = values.length <= ONE_ROW ? values.length : nearSquare(values.length);
  const rows = Math.ceil(values.length / columns);
  const inner = name.endsWith("]") ? name.slice(name.lastIndexOf(" ") + 1) : "";
  const called = (i) => (inner ? name.replace("[:,", `[${i},`) : `${name}[${i}]`);
  cells.className = "cells";
  canvas.className = block === undefined ? "pixels" : "pixels choosable";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", `${name}, ${values.length} numbers` + (block === undefined ? "" : ", Enter chooses a unit"));
  cells.append(canvas);
  whole.append(cells, told);
  paintSigned(canvas, columns, values, !/^[xy]$/.test(name) || values.some((v) => v < 0));
  told.textContent = rangeOf(values);
  const mark = (i, kind) => {
    const found = cells.querySelector(`.mark.${kind}`) || document.createElement("div");
    found.className = `mark ${kind}`;
    found.style.left = `${(100 * (i % columns)) / columns}%`;
    found.style.top = `${(100 * Math.floor(i / columns)) / rows}%`;
    found.style.width = `${100 / columns}%`;
    found.style.height = `${100 / rows}%`;
    cells.append(found);
  };
  if (block !== undefined) mark(unit, "unit");
  let at = unit || 0;
  const tell = (i) => {
    at = i;
    mark(i, "at");
    told.textContent = `${called(i)} = ${values[i]}`;
  };
  const choose = () => {
    if (block !== undefined) chosen(at);
  };
  const under = (event) => {
    const box = canvas.getBoundingClientRect();
    const column = Math.min(columns - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * columns)));
    const row = Math.min(rows - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * rows)));
    return row * columns + column;
  };
  const point = (event) => { if (under(event) < values.length) tell(under(event)); };
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("pointerleave", () => {
    const left = cells.querySelector(".mark.at");
    if (left) left.remove();
    told.textContent = rangeOf(values);
  });
  canvas.addEventListener("click", choose);
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (by) tell(Math.min(values.length - 1, Math.max(0, at + by)));
    else if (event.key === "Enter") choose();
    else return;
    event.preventDefault();
  });
  return whole;
}

function rangeOf(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? `${values.length} numbers, all ${low}` : `${values.length} numbers, ${low.toPrecision(4)} to ${high.toPrecision(4)}`;
}

function barsOf({ name, values, names }) {
  const whole = partOf(name);
  const table = document.createElement("table");
  const most = Math.max(...values.map(Math.abs)) || 1;
  const isSigned = values.some((v) => v < 0);
  table.setAttribute("aria-label", name);
  values.forEach((value, i) => {
    const row = table.insertRow();
    const heading = document.createElement("th");
    heading.scope = "row";
    heading.textContent = names[i];
    row.append(heading);
    const fill = document.createElement("span");
    fill.className = `fill ${isSigned ? (value < 0 ? "negative" : "positive") : ""}`;
    fill.style.width = `${(100 * Math.abs(value)) / most}%`;
    row.insertCell().append(fill);
    const number = row.insertCell();
    number.textContent = value === 0 || value === 1 ? value : value.toPrecision(4);
    number.title = value;
    row.classList.toggle("most", value === Math.max(...values));
  });
  whole.append(table);
  return whole;
}
