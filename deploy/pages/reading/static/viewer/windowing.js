// From Hounsfield units to grey by a window (DICOM PS3.3 C.11.2.1.2, linear).

export const PRESETS = { lung: { centre: -600, width: 1500 }, mediastinum: { centre: 40, width: 400 } };
export const ABSENT = -32768; // of a voxel that is not loaded; no scanner measures it
const LEAST = -32768;
const LIMITS = { centre: [-2000, 4000], width: [2, 6000] };

// A window within limits, of whole numbers.
export function boundedWindow({ centre, width }) {
  const within = (value, [low, high]) => Math.min(high, Math.max(low, Math.round(value)));
  return { centre: within(centre, LIMITS.centre), width: within(width, LIMITS.width) };
}

export function greyOf(hu, { centre, width }) {
  const share = (hu - (centre - 0.5)) / (width - 1) + 0.5;
  return Math.round(255 * Math.min(1, Math.max(0, share)));
}

// The grey of each int16, so that a picture needs one look-up a pixel.
export class GreyTable {
  constructor() {
    this.greys = new Uint8Array(65536);
    this.window = null;
  }

  of(window) {
    if (this.window?.centre !== window.centre || this.window?.width !== window.width) {
      for (let place = 0; place < 65536; place++) this.greys[place] = greyOf(place + LEAST, window);
      this.greys[ABSENT - LEAST] = 0;
      this.window = { ...window };
    }
    return this.greys;
  }
}

// A picture's pixels in grey: RGBA of `hu`.
export function paintGreys(hu, greys, rgba) {
  for (let place = 0, to = 0; place < hu.length; place++, to += 4) {
    rgba[to] = rgba[to + 1] = rgba[to + 2] = greys[hu[place] - LEAST];
    rgba[to + 3] = 255;
  }
}
