// Curves over rounds, drawn by uPlot from the figures in a [data-curves] element.
"use strict";

const WIDTHS = [2, 2, 1.5];
const DASHES = [[], [6, 4], [2, 3]];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function curve(one, place) {
  return {
    label: one.label,
    stroke: colour(one.colour),
    width: WIDTHS[place % WIDTHS.length],
    dash: DASHES[place % DASHES.length],
    spanGaps: true,
    points: { show: true, size: 6 },
    value: (_chart, value, _series, place) => (place === null ? "" : value === null ? "undefined" : value.toFixed(4)),
  };
}

window.drawCharts = (within) => {
  for (const element of within.querySelectorAll("[data-curves]")) {
    const given = JSON.parse(element.dataset.curves);
    element.replaceChildren();
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { stroke: colour("--rule") } };
    const options = {
      width: Math.max(240, element.clientWidth),
      height: 220,
      scales: { x: { time: false }, y: given.range ? { range: given.range } : {} },
      axes: [{ ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500] }, axis],
      series: [{ label: "round" }, ...given.curves.map(curve)],
    };
    new uPlot(options, [given.rounds, ...given.curves.map((one) => one.values)], element);
  }
};

window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => window.drawCharts(document));
