// The slices to look at first, as small pictures that show them.

import { BOX_COLOUR } from "./overlays.js";
import { GreyTable, PRESETS, paintGreys } from "./windowing.js";

export class Thumbnails {
  constructor(root, view, volume, boxes) {
    this.volume = volume;
    this.boxes = boxes;
    this.size = view.size;
    this.spacing = view.spacing;
    this.greys = new GreyTable().of(PRESETS.lung);
    this.buttons = [...root.querySelectorAll("[data-slice]")];
    for (const button of this.buttons) {
      const slice = Number(button.dataset.slice);
      button.addEventListener("click", () => view.showSlice(slice));
      view.listen(() => button.setAttribute("aria-pressed", String(view.point.slice === slice)));
      this.loaded(slice);
    }
    volume.first = this.buttons.map((button) => Number(button.dataset.slice));
    volume.load();
  }

  // Draw the thumbnail of a slice, if it has one and is loaded.
  loaded(slice) {
    const button = this.buttons.find((one) => Number(one.dataset.slice) === slice);
    const hu = this.volume.scan[slice];
    if (!button || !hu) return;
    const picture = document.createElement("canvas");
    [picture.width, picture.height] = [this.size.column, this.size.row];
    const pixels = new ImageData(picture.width, picture.height);
    paintGreys(hu, this.greys, pixels.data);
    picture.getContext("2d").putImageData(pixels, 0, 0);
    this.shrink(button.querySelector("canvas"), picture, this.boxes[slice]);
  }

  shrink(canvas, picture, boxes) {
    const [acrossMm, downMm] = [this.size.column * this.spacing.column, this.size.row * this.spacing.row];
    const fit = Math.min(canvas.width / acrossMm, canvas.height / downMm);
    const [width, height] = [acrossMm * fit, downMm * fit];
    const [left, top] = [(canvas.width - width) / 2, (canvas.height - height) / 2];
    const context = canvas.getContext("2d");
    context.fillStyle = "#000000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, left, top, width, height);
    context.strokeStyle = BOX_COLOUR;
    context.lineWidth = 2;
    const [across, down] = [width / this.size.column, height / this.size.row];
    for (const [row0, column0, row1, column1] of boxes) {
      context.strokeRect(left + column0 * across, top + row0 * down, (column1 - column0) * across, (row1 - row0) * down);
    }
    canvas.dataset.drawn = "yes";
  }
}
