// The viewer of a scan: puts the parts together.

import { Chart } from "./chart.js";
import { readoutWords, wireControls, wireOverlays } from "./controls.js";
import { wireGestures } from "./gestures.js";
import { LAYERS } from "./overlays.js";
import { byAxis } from "./planes.js";
import { Thumbnails } from "./thumbnails.js";
import { View } from "./view.js";
import { Viewport } from "./viewport.js";
import { Volume } from "./volume.js";

const root = document.getElementById("viewer");
const scan = JSON.parse(root.dataset.scan);
const size = byAxis(scan.shape);
const view = new View(size, byAxis(scan.spacing_mm), Number(root.dataset.start));
const volume = new Volume(root.dataset.base, size, { changed: loaded, told: tell });
volume.lookAt(view.point.slice);
const viewport = new Viewport(root.querySelector("#scan"), view, volume);
viewport.heights = scan.z_mm;
let thumbnails = null;

wireControls(root, view, viewport);
wireGestures(viewport.canvas, view, viewport, showReadout);
view.listen(() => volume.lookAt(view.point.slice));
view.listen(() => showReadout(null));
showReadout(null);
viewport.draw();
if (root.dataset.model === "shown") showModel();

// A slice was loaded: draw it where it is seen.
function loaded(slice) {
  if (view.planeName !== "axial" || slice === view.index) viewport.draw();
  thumbnails?.loaded(slice);
  if (slice === view.point.slice) showReadout(null);
  const count = volume.loaded();
  root.querySelector("#loaded").textContent = count < size.slice ? `${count} of ${size.slice} slices loaded` : "";
}

function tell(words) {
  const place = root.querySelector("#problem");
  place.textContent = words;
  place.hidden = words === "";
}

// HU under the pointer; of the point if there is no pointer.
function showReadout(voxel) {
  const shown = voxel ?? view.point;
  root.querySelector("#readout").textContent = readoutWords(shown, viewport.huAt(shown));
}

async function showModel() {
  const answer = await fetch(`${root.dataset.base}/model.json`);
  if (!answer.ok) return tell("What the model found cannot be loaded: reload the page.");
  const model = await answer.json();
  const panel = document.getElementById("model");
  viewport.model = { boxes: model.boxes, full: model.full_attention };
  wireOverlays(panel, view, volume, LAYERS);
  thumbnails = new Thumbnails(panel, view, volume, model.boxes);
  new Chart(document.getElementById("chart"), model.curves, view);
}
