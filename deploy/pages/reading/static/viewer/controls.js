// Tool bar, slider, and the words about what is shown.

import { PRESETS } from "./windowing.js";

const ZOOM_STEP = 1.25;
const AXIS_WORDS = { slice: "slice", row: "row", column: "column" };

export function wireControls(root, view, viewport) {
  const find = (selector) => root.querySelector(selector);
  wireChoice(root, "plane", () => view.planeName, (name) => view.showPlane(name), view);
  wireChoice(root, "tool", () => view.tool, (tool) => view.change({ tool }), view);
  for (const button of root.querySelectorAll("[data-preset]")) {
    const preset = PRESETS[button.dataset.preset];
    button.addEventListener("click", () => view.setWindow(preset));
    follow(view, () => button.setAttribute("aria-pressed", String(isShown(preset, view.window))));
  }
  for (const part of ["centre", "width"]) wireNumber(find(`#window-${part}`), part, view);
  const middle = () => [viewport.canvas.clientWidth / 2, viewport.canvas.clientHeight / 2];
  find("#zoom-in").addEventListener("click", () => viewport.zoomAt(ZOOM_STEP, ...middle()));
  find("#zoom-out").addEventListener("click", () => viewport.zoomAt(1 / ZOOM_STEP, ...middle()));
  find("#zoom-reset").addEventListener("click", () => view.reset());
  find("#smooth").addEventListener("change", (event) => view.change({ smooth: event.target.checked }));
  wireSlider(find("#slice"), view);
  follow(view, () => (find("#where").textContent = whereWords(view, viewport.heights)));
}

// Radio buttons called `name` that show and set a value.
function wireChoice(root, name, value, choose, view) {
  for (const radio of root.querySelectorAll(`[name="${name}"]`)) {
    radio.addEventListener("change", () => choose(radio.value));
    follow(view, () => (radio.checked = radio.value === value()));
  }
}

function wireNumber(input, part, view) {
  input.addEventListener("change", () => {
    if (Number.isFinite(input.valueAsNumber)) view.setWindow({ ...view.window, [part]: input.valueAsNumber });
    input.value = view.window[part];
  });
  follow(view, () => {
    if (document.activeElement !== input) input.value = view.window[part];
  });
}

function wireSlider(slider, view) {
  slider.addEventListener("input", () => view.goTo(slider.valueAsNumber - 1));
  follow(view, () => {
    slider.max = view.count;
    slider.value = view.index + 1;
    slider.setAttribute("aria-valuetext", `${AXIS_WORDS[view.plane.axis]} ${view.index + 1} of ${view.count} from ${view.plane.from}`);
  });
}

function follow(view, update) {
  view.listen(update);
  update();
}

function isShown(preset, window) {
  return preset.centre === window.centre && preset.width === window.width;
}

function whereWords(view, heights) {
  const { axis, from } = view.plane;
  const height = axis === "slice" ? `, z = ${heights[view.index].toFixed(1)} mm` : "";
  return `${AXIS_WORDS[axis]} ${view.index + 1} of ${view.count} from ${from}${height}`;
}

// HU of a voxel in words.
export function readoutWords(voxel, hu) {
  const value = hu === null ? "not loaded" : `${hu} HU`;
  return `${value} at slice ${voxel.slice + 1}, row ${voxel.row + 1}, column ${voxel.column + 1}`;
}

// Check boxes and opacities of the overlays; shown once the model's layers may be.
export function wireOverlays(root, view, volume, layers) {
  for (const box of root.querySelectorAll("[data-overlay]")) {
    const name = box.dataset.overlay;
    const opacity = root.querySelector(`[data-opacity="${name}"]`);
    const apply = () => {
      if (box.checked && layers[name]) volume.add(layers[name].file);
      view.setOverlay(name, box.checked ? opacity.valueAsNumber / 100 : 0);
      volume.load();
    };
    box.addEventListener("change", apply);
    opacity.addEventListener("input", apply);
    apply();
  }
}
