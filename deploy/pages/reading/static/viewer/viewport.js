// The canvas: the shown plane with overlays, orientation marks and a scale bar.

import { BOX_COLOUR, LAYERS, paintLayer } from "./overlays.js";
import { copyPlane, pixelOf, voxelAt } from "./planes.js";
import { ABSENT, GreyTable, paintGreys } from "./windowing.js";

const INK = "#f2f4f5";
const EDGE = "#000000";
const BAR_MM = [200, 100, 50, 20, 10, 5, 2, 1];
const POINT_COLOUR = "#ffd60a";
const MARGIN = 12;

export class Viewport {
  // model: null, or {boxes, full} (see scan_routes.py); it may come later.
  constructor(canvas, view, volume) {
    this.canvas = canvas;
    this.view = view;
    this.volume = volume;
    this.model = null;
    this.context = canvas.getContext("2d", { alpha: false });
    this.picture = document.createElement("canvas");
    this.greys = new GreyTable();
    this.waiting = false;
    view.listen(() => this.draw());
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  // Draw before the next frame, once however often it is called.
  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.drawNow();
    });
  }

  drawNow() {
    const { view, context } = this;
    this.fitCanvas();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = EDGE;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    const complete = this.paintPicture();
    const place = this.placement();
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.imageSmoothingEnabled = view.smooth;
    context.drawImage(this.picture, place.left, place.top, place.width, place.height);
    if (view.overlays.boxes && view.plane.axis === "slice") this.drawBoxes(place);
    if (view.tool === "point") this.drawPoint(place);
    this.drawMarks();
    this.drawBar(place);
    this.canvas.dataset.drawn = `${view.planeName} ${view.index}${complete ? "" : " loading"}`;
  }

  // As many canvas pixels as the screen has.
  fitCanvas() {
    const width = Math.max(1, Math.round(this.canvas.clientWidth * devicePixelRatio));
    const height = Math.max(1, Math.round(this.canvas.clientHeight * devicePixelRatio));
    if (this.canvas.width === width && this.canvas.height === height) return;
    this.canvas.width = width;
    this.canvas.height = height;
  }

  // The shown plane with its overlays, one pixel a voxel; returns whether all of it is loaded.
  paintPicture() {
    const { view, volume, picture } = this;
    const [width, height] = [view.size[view.plane.across], view.size[view.plane.down]];
    if (picture.width !== width || picture.height !== height) {
      picture.width = width;
      picture.height = height;
      this.pixels = new ImageData(width, height);
      this.hu = new Int16Array(width * height);
      this.values = new Uint8Array(width * height);
    }
    let complete = copyPlane(volume.scan, view.plane, view.index, view.size, this.hu, ABSENT);
    paintGreys(this.hu, this.greys.of(view.window), this.pixels.data);
    for (const [name, layer] of Object.entries(LAYERS)) {
      if (!this.model || !view.overlays[name]) continue;
      complete = copyPlane(volume.add(layer.file), view.plane, view.index, view.size, this.values, 0) && complete;
      paintLayer(name, this.values, this.model.full[name] ?? 1, view.overlays[name], this.pixels.data);
    }
    picture.getContext("2d").putImageData(this.pixels, 0, 0);
    return complete;
  }

  // Where the picture lies on the canvas, in CSS pixels; scale: CSS pixels a mm.
  placement() {
    const { view, canvas } = this;
    const [acrossMm, downMm] = [view.spacing[view.plane.across], view.spacing[view.plane.down]];
    const [widthMm, heightMm] = [this.picture.width * acrossMm, this.picture.height * downMm];
    const fit = Math.min(canvas.clientWidth / widthMm, canvas.clientHeight / heightMm);
    const scale = fit * view.zoom;
    const [width, height] = [widthMm * scale, heightMm * scale];
    const left = (canvas.clientWidth - width) / 2 + view.pan.x * scale;
    const top = (canvas.clientHeight - height) / 2 + view.pan.y * scale;
    return { left, top, width, height, scale, across: acrossMm * scale, down: downMm * scale };
  }

  // The voxel at a place of the canvas, in CSS pixels; null outside the scan.
  voxelAt(x, y) {
    const place = this.placement();
    const { plane, index, size } = this.view;
    return voxelAt(plane, index, (x - place.left) / place.across, (y - place.top) / place.down, size);
  }

  // HU of a voxel; null if its slice is not loaded.
  huAt(voxel) {
    return this.volume.scan[voxel.slice]?.[voxel.row * this.view.size.column + voxel.column] ?? null;
  }

  // Zoom by `factor` about a place of the canvas, which stays where it is.
  zoomAt(factor, x, y) {
    const { view } = this;
    const before = this.placement();
    const [acrossMm, downMm] = [(x - before.left) / before.scale, (y - before.top) / before.scale];
    view.setZoom(view.zoom * factor);
    const after = this.placement();
    const moved = { x: (x - after.left) / after.scale - acrossMm, y: (y - after.top) / after.scale - downMm };
    view.change({ pan: { x: view.pan.x + moved.x, y: view.pan.y + moved.y } });
  }

  drawBoxes(place) {
    const { context, view } = this;
    context.strokeStyle = BOX_COLOUR;
    context.globalAlpha = view.overlays.boxes;
    context.lineWidth = 2;
    for (const [row0, column0, row1, column1] of this.model?.boxes[view.index] ?? []) {
      const [left, top] = [place.left + column0 * place.across, place.top + row0 * place.down];
      context.strokeRect(left - 1, top - 1, (column1 - column0) * place.across + 2, (row1 - row0) * place.down + 2);
    }
    context.globalAlpha = 1;
  }

  drawPoint(place) {
    const { context, view } = this;
    const [column, row] = pixelOf(view.plane, view.point, view.size);
    const [x, y] = [place.left + (column + 0.5) * place.across, place.top + (row + 0.5) * place.down];
    context.strokeStyle = POINT_COLOUR;
    context.lineWidth = 1;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 5 * dx, y + 5 * dy);
      context.lineTo(x + 18 * dx, y + 18 * dy);
    }
    context.stroke();
  }

  drawMarks() {
    const { left, right, top, bottom } = this.view.plane.marks;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    this.context.font = "600 17px system-ui, sans-serif";
    this.write(left, MARGIN, height / 2, "left", "middle");
    this.write(right, width - MARGIN, height / 2, "right", "middle");
    this.write(top, width / 2, MARGIN, "center", "top");
    this.write(bottom, width / 2, height - MARGIN, "center", "bottom");
  }

  // A bar of a round length, of a quarter of the canvas at most.
  drawBar(place) {
    const { context, canvas } = this;
    const mm = BAR_MM.find((length) => length * place.scale <= canvas.clientWidth / 4) ?? BAR_MM.at(-1);
    const [right, bottom] = [canvas.clientWidth - 2 * MARGIN, canvas.clientHeight - 2 * MARGIN];
    const left = right - mm * place.scale;
    for (const [colour, thickness] of [[EDGE, 4], [INK, 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = thickness;
      context.beginPath();
      context.moveTo(left, bottom - 6);
      context.lineTo(left, bottom);
      context.lineTo(right, bottom);
      context.lineTo(right, bottom - 6);
      context.stroke();
    }
    context.font = "13px system-ui, sans-serif";
    this.write(`${mm} mm`, (left + right) / 2, bottom - 8, "center", "bottom");
    canvas.dataset.bar = `${mm} mm ${(mm * place.scale).toFixed(1)} px`;
  }

  // Words that are legible on bright and on dark tissue.
  write(words, x, y, align, baseline) {
    const { context } = this;
    context.textAlign = align;
    context.textBaseline = baseline;
    context.lineJoin = "round";
    context.lineWidth = 3;
    context.strokeStyle = EDGE;
    context.strokeText(words, x, y);
    context.fillStyle = INK;
    context.fillText(words, x, y);
  }
}
