// What is shown of a scan, and how; whoever listens is told of each change.

import { PLANES } from "./planes.js";
import { PRESETS, boundedWindow } from "./windowing.js";

const ZOOM = [0.5, 24];

export class View {
  // size, spacing: of the scan by axis; slice: the one shown at first.
  constructor(size, spacing, slice) {
    this.size = size;
    this.spacing = spacing;
    this.planeName = "axial";
    this.point = { slice, row: Math.floor(size.row / 2), column: Math.floor(size.column / 2) };
    this.window = { ...PRESETS.lung };
    this.zoom = 1;
    this.pan = { x: 0, y: 0 }; // mm
    this.tool = "scroll";
    this.smooth = true;
    this.overlays = {}; // opacity of each that is shown
    this.listeners = [];
  }

  get plane() {
    return PLANES[this.planeName];
  }

  get index() {
    return this.point[this.plane.axis];
  }

  get count() {
    return this.size[this.plane.axis];
  }

  listen(listener) {
    this.listeners.push(listener);
  }

  change(values) {
    Object.assign(this, values);
    for (const listener of this.listeners) listener(this);
  }

  // Show a plane through the point, whole.
  showPlane(planeName) {
    this.change({ planeName, zoom: 1, pan: { x: 0, y: 0 } });
  }

  goTo(index) {
    this.movePoint({ [this.plane.axis]: index });
  }

  step(count) {
    this.goTo(this.index + count);
  }

  // Show an axial slice, whichever plane is shown now.
  showSlice(slice) {
    if (this.planeName !== "axial") this.showPlane("axial");
    this.goTo(slice);
  }

  // Move the point through which all planes go; it stays in the scan.
  movePoint(changes) {
    const moved = { ...this.point };
    for (const [axis, value] of Object.entries(changes)) {
      moved[axis] = Math.min(this.size[axis] - 1, Math.max(0, Math.round(value)));
    }
    this.change({ point: moved });
  }

  setWindow(window) {
    this.change({ window: boundedWindow(window) });
  }

  setZoom(zoom, pan = this.pan) {
    this.change({ zoom: Math.min(ZOOM[1], Math.max(ZOOM[0], zoom)), pan });
  }

  reset() {
    this.change({ zoom: 1, pan: { x: 0, y: 0 } });
  }

  setOverlay(name, opacity) {
    this.change({ overlays: { ...this.overlays, [name]: opacity } });
  }
}
