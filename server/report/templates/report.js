"use strict";
// Progressive: without this script all figures are on the page, and only choosing and saving them is not.

// Saves a figure as an SVG file with the colours of the light page, whatever the page's own are.
function saveFigure(button) {
  const light = document.styleSheets[0].cssRules[0].style;
  const drawn = button.closest("figure").querySelector("svg").cloneNode(true);
  drawn.setAttribute("xmlns", "http\u003a//www.w3.org/2000/svg");
  drawn.setAttribute("xmlns:xlink", "http\u003a//www.w3.org/1999/xlink");
  const box = drawn.viewBox.baseVal;
  drawn.setAttribute("width", box.width + "pt");
  drawn.setAttribute("height", box.height + "pt");
  const text = drawn.outerHTML.replace(/var\((--[a-z]+)\)/g, (_, name) => light.getPropertyValue(name).trim());
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  link.download = button.dataset.name + ".svg";
  link.click();
  URL.revokeObjectURL(link.href);
}
for (const button of document.querySelectorAll("button.save")) {
  button.hidden = false;
  button.addEventListener("click", () => saveFigure(button));
}

// Wilson's interval with all scans of a patient as one observation, as in the tables.
function share(k, n, patients) {
  if (!n) return null;
  const z2 = 1.959963984540054 ** 2, p = k / n;
  const centre = (patients * p + z2 / 2) / (patients + z2);
  const half = (Math.sqrt(z2) / (patients + z2)) * Math.sqrt(patients * p * (1 - p) + z2 / 4);
  return { value: p, low: k ? centre - half : 0, high: k < n ? centre + half : 1, k, n };
}
const percent = value => (100 * value).toFixed(1);

function show(card, name, value, detail) {
  card.querySelector(`[data-out=${name}]`).textContent = value;
  const small = card.querySelector(`[data-detail=${name}]`);
  if (small) small.textContent = detail;
}
function showShare(card, name, found) {
  if (!found) return show(card, name, "undefined", "no scan of this class");
  show(card, name, percent(found.value) + " %",
    `${percent(found.low)}–${percent(found.high)}, ${found.k} of ${found.n}`);
}
function showPredictive(card, name, right, wrong, why) {
  if (!(right + wrong > 0)) return show(card, name, "undefined", why);
  show(card, name, percent(right / (right + wrong)) + " %", "");
}

const chooser = document.getElementById("chooser");
if (chooser) {
  const told = JSON.parse(chooser.dataset.counts);
  const place = chooser.querySelector("select");
  told.places.forEach((one, index) => place.add(new Option(one.name, index)));
  const cards = [...chooser.querySelectorAll("[data-task]")].filter(card => told.tasks[card.dataset.task]);
  const update = card => {
    const task = card.dataset.task, row = Number(card.querySelector("[type=range]").value);
    const threshold = told.tasks[task].threshold[row], counts = told.places[place.value][task];
    show(card, "threshold", percent(threshold) + " %");
    card.querySelector("[type=range]").setAttribute("aria-valuetext", percent(threshold) + " %");
    const none = { scans: 0, patients: 0 };
    const { positives = none, negatives = none, true_positives = [], false_positives = [] } = counts || {};
    const sensitivity = share(true_positives[row], positives.scans, positives.patients);
    const specificity = share(negatives.scans - false_positives[row], negatives.scans, negatives.patients);
    showShare(card, "sensitivity", sensitivity);
    showShare(card, "specificity", specificity);
    const field = card.querySelector("[type=number]"), prevalence = Number(field.value) / 100;
    const known = sensitivity && specificity && field.value !== "" && prevalence >= 0 && prevalence <= 1;
    const se = known ? sensitivity.value : NaN, sp = known ? specificity.value : NaN;
    const why = !known ? (sensitivity && specificity ? "a prevalence is from 0 to 100 %" : "both classes are needed")
      : "no scan is called so";
    showPredictive(card, "ppv", se * prevalence, (1 - sp) * (1 - prevalence), why);
    showPredictive(card, "npv", sp * (1 - prevalence), (1 - se) * prevalence, why);
  };
  for (const card of cards) {
    const range = card.querySelector("[type=range]"), task = told.tasks[card.dataset.task];
    range.max = task.threshold.length - 1;
    range.value = task.start;
    card.addEventListener("input", () => update(card));
    update(card);
  }
  place.addEventListener("change", () => cards.forEach(update));
  chooser.hidden = cards.length === 0;
}
