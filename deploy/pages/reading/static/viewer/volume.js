// The slices of a scan and of the model's layers, loaded in the background, the nearest to what is shown first.

const CAP_BYTES = 768 * 2 ** 20; // a scan of 500 slices of 512 x 512 with all layers fits
const AT_ONCE = 3; // requests in the background; a browser sends six to one server: the shown slice never waits
const MOVING_MS = 200; // after a change of the shown slice, one request at a time leaves it the processor
const RETRY_MS = 2000;
const SCAN_FILE = "slices";
const BYTES = { [SCAN_FILE]: 2 };

class Layer {
  constructor(file, count) {
    this.file = file;
    this.slices = new Array(count).fill(null);
    this.asked = new Set();
  }

  parse(buffer) {
    return this.file === SCAN_FILE ? new Int16Array(buffer) : new Uint8Array(buffer);
  }
}

export class Volume {
  // base: address of the scan. changed(slice): called after one was loaded. told(words): what goes wrong, or "".
  constructor(base, size, { changed, told }) {
    this.base = base;
    this.size = size;
    this.changed = changed;
    this.told = told;
    this.centre = 0;
    this.movedAt = -MOVING_MS;
    this.first = []; // slices to load before all but the shown one
    this.running = 0;
    this.stopped = false;
    this.layers = new Map();
    this.scan = this.add(SCAN_FILE);
  }

  // The slices of a layer, which from now on is loaded too.
  add(file) {
    if (!this.layers.has(file)) this.layers.set(file, new Layer(file, this.size.slice));
    return this.layers.get(file).slices;
  }

  // Load round this slice first.
  lookAt(slice) {
    if (slice !== this.centre) this.movedAt = performance.now();
    this.centre = slice;
    this.forgetFar();
    this.load();
  }

  // First and last slice that may be held in memory.
  range() {
    const bytes = [...this.layers.keys()].reduce((sum, file) => sum + (BYTES[file] ?? 1), 0);
    const most = Math.max(1, Math.floor(CAP_BYTES / (bytes * this.size.row * this.size.column)));
    if (most >= this.size.slice) return [0, this.size.slice - 1];
    const start = Math.min(Math.max(0, this.centre - Math.floor(most / 2)), this.size.slice - most);
    return [start, start + most - 1];
  }

  forgetFar() {
    const [start, end] = this.range();
    if (start === 0 && end === this.size.slice - 1) return;
    for (const { slices } of this.layers.values()) {
      for (let slice = 0; slice < slices.length; slice++) if (slice < start || slice > end) slices[slice] = null;
    }
  }

  // How many slices of the scan are loaded.
  loaded() {
    return this.scan.reduce((count, slice) => count + (slice ? 1 : 0), 0);
  }

  // Ask for the shown slice at once, and for others as long as few requests are under way.
  load() {
    let next = null;
    while (!this.stopped && (next = this.missing(this.centre))) this.fetch(next, this.centre);
    const most = performance.now() - this.movedAt < MOVING_MS ? 1 : AT_ONCE;
    while (!this.stopped && this.running < most && (next = this.next())) this.fetch(...next);
  }

  // A layer that lacks this slice and was not asked for it.
  missing(slice) {
    for (const layer of this.layers.values()) if (!layer.slices[slice] && !layer.asked.has(slice)) return layer;
    return null;
  }

  // The next layer and slice to ask for: what is wanted first, then by distance.
  next() {
    const [start, end] = this.range();
    const places = [...this.first];
    for (let distance = 1; distance <= end - start; distance++) places.push(this.centre - distance, this.centre + distance);
    for (const slice of places) {
      if (slice < start || slice > end) continue;
      const layer = this.missing(slice);
      if (layer) return [layer, slice];
    }
    return null;
  }

  async fetch(layer, slice) {
    layer.asked.add(slice);
    this.running++;
    try {
      const answer = await fetch(`${this.base}/${layer.file}/${slice}`);
      if (answer.ok) this.keep(layer, slice, await answer.arrayBuffer());
      else this.refused(answer.status);
    } catch {
      this.pause();
    }
    layer.asked.delete(slice);
    this.running--;
    this.load();
  }

  keep(layer, slice, buffer) {
    const [start, end] = this.range();
    if (slice < start || slice > end) return; // the reader has gone on
    layer.slices[slice] = layer.parse(buffer);
    this.changed(slice);
  }

  refused(status) {
    this.stopped = true;
    this.told(status === 401 ? "You are logged out: reload the page." : "The images cannot be loaded: reload the page.");
  }

  pause() {
    this.stopped = true;
    this.told("No connection; trying again.");
    setTimeout(() => {
      this.stopped = false;
      this.told("");
      this.load();
    }, RETRY_MS);
  }
}
