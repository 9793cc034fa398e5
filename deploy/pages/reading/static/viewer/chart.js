// Probability and infected area of each slice, with a marker at the shown one. The same figures stand in a table.

import { PAGE } from "./gestures.js";

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 46;
const RIGHT = 12;
const TOP = 10;
const PROBABILITY = 120;
const GAP = 22;
const AREA = 76;
const FOOT = 24;
const TASKS = ["diseased", "covid"];
const SIDES = ["right", "left"];

export class Chart {
  // curves: see scan_routes.py; element: a slider along the slices.
  constructor(element, curves, view) {
    this.element = element;
    this.curves = curves;
    this.view = view;
    this.count = view.size.slice;
    element.addEventListener("pointerdown", (event) => this.pointed(event));
    element.addEventListener("pointermove", (event) => event.buttons === 1 && this.pointed(event));
    element.addEventListener("keydown", (event) => this.pressed(event));
    new ResizeObserver(() => this.draw()).observe(element);
    view.listen(() => this.mark());
  }

  xOf(slice) {
    return LEFT + ((slice + 0.5) / this.count) * (this.width - LEFT - RIGHT);
  }

  draw() {
    this.width = Math.max(280, this.element.clientWidth);
    const height = TOP + PROBABILITY + GAP + AREA + FOOT;
    const svg = make("svg", { width: this.width, height, "aria-hidden": "true" });
    this.drawProbabilities(svg);
    this.drawAreas(svg);
    const bottom = height - FOOT;
    for (const slice of this.ticks()) {
      svg.append(text(slice + 1, this.xOf(slice), bottom + 16, "middle"));
    }
    this.marker = make("path", { class: "marker" });
    svg.append(this.marker);
    this.bottom = bottom;
    this.element.querySelector("svg")?.remove();
    this.element.append(svg);
    this.mark();
  }

  ticks() {
    const wanted = Math.max(2, Math.floor(this.width / 90));
    return Array.from({ length: wanted }, (_, place) => Math.round((place * (this.count - 1)) / (wanted - 1)));
  }

  drawProbabilities(svg) {
    const yOf = (value) => TOP + (1 - value) * PROBABILITY;
    for (const value of [0, 0.5, 1]) this.drawGrid(svg, yOf(value), value);
    for (const task of TASKS) {
      for (const side of SIDES) {
        svg.append(make("path", { class: `curve ${task} ${side}`, d: this.line(this.curves[task][side], yOf) }));
      }
    }
  }

  // A line with gaps where the slice has no such lung.
  line(values, yOf) {
    let pen = "M";
    return values.reduce((path, value, slice) => {
      if (value === null) {
        pen = "M";
        return path;
      }
      const step = `${pen}${this.xOf(slice).toFixed(1)} ${yOf(value).toFixed(1)}`;
      pen = "L";
      return path + step;
    }, "");
  }

  // Infected area of the right lung, and of the left one on top of it.
  drawAreas(svg) {
    const { right, left } = this.curves.infected_cm2;
    const sums = right.map((value, slice) => (value ?? 0) + (left[slice] ?? 0));
    const most = roundUp(Math.max(...sums));
    const base = TOP + PROBABILITY + GAP + AREA;
    const yOf = (value) => base - (value / most) * AREA;
    for (const value of [0, most]) this.drawGrid(svg, yOf(value), value);
    const half = (this.xOf(1) - this.xOf(0)) / 2;
    const bars = (low, high) => high.reduce((path, value, slice) => {
      if (!(value > low[slice])) return path;
      const [x0, x1] = [this.xOf(slice) - half, this.xOf(slice) + half].map((x) => x.toFixed(1));
      return `${path}M${x0} ${yOf(low[slice]).toFixed(1)}H${x1}V${yOf(value).toFixed(1)}H${x0}Z`;
    }, "");
    const rights = right.map((value) => value ?? 0);
    svg.append(make("path", { class: "area right", d: bars(rights.map(() => 0), rights) }));
    svg.append(make("path", { class: "area left", d: bars(rights, sums) }));
  }

  drawGrid(svg, y, value) {
    svg.append(make("path", { class: "grid", d: `M${LEFT} ${y}H${this.width - RIGHT}` }));
    svg.append(text(value, LEFT - 6, y + 4, "end"));
  }

  mark() {
    if (!this.marker) return;
    const slice = this.view.point.slice;
    const x = this.xOf(slice).toFixed(1);
    this.marker.setAttribute("d", `M${x} ${TOP - 6}V${this.bottom}`);
    this.element.setAttribute("aria-valuenow", slice + 1);
    this.element.setAttribute("aria-valuetext", this.words(slice));
    document.getElementById("chart-words").textContent = this.words(slice);
  }

  words(slice) {
    const of = (values, digits) => (values[slice] === null ? "none" : values[slice].toFixed(digits));
    const both = (curve, digits) => SIDES.map((side) => `${side} ${of(curve[side], digits)}`).join(", ");
    const { diseased, covid, infected_cm2: infected } = this.curves;
    return `Slice ${slice + 1} of ${this.count}: disease ${both(diseased, 2)}; COVID-19 if diseased ${both(covid, 2)}; infected ${both(infected, 1)} cm²`;
  }

  pointed(event) {
    const x = event.clientX - this.element.getBoundingClientRect().left;
    const share = (x - LEFT) / (this.width - LEFT - RIGHT);
    this.view.showSlice(Math.floor(share * this.count));
  }

  pressed(event) {
    const slice = this.view.point.slice;
    const targets = {
      ArrowRight: slice + 1, ArrowUp: slice + 1, ArrowLeft: slice - 1, ArrowDown: slice - 1,
      PageUp: slice + PAGE, PageDown: slice - PAGE, Home: 0, End: this.count - 1,
    };
    if (!(event.key in targets)) return;
    event.preventDefault();
    this.view.showSlice(targets[event.key]);
  }
}

function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function text(words, x, y, anchor) {
  const element = make("text", { x, y, "text-anchor": anchor });
  element.textContent = words;
  return element;
}

// The next of 1, 2, 5, 10, ...: where an axis ends.
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((end) => end >= value);
}
