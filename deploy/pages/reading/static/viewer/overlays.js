// What the model found, painted over a picture.

export const INFECTED_FROM = 3; // labels: 1 right, 2 left lung, 3 and 4 where infected
export const BOX_COLOUR = "#ff3b30";

// Each layer's file, and the colour and strength (0 to 1) of each of its values.
export const LAYERS = {
  infection: { file: "labels", colour: () => [47, 213, 255], strength: (value) => (value >= INFECTED_FROM ? 1 : 0) },
  diseased: { file: "attention/diseased", colour: (share) => [255, Math.round(90 + 150 * share), Math.round(40 * share)], strength: (value, full) => value / full },
  covid: { file: "attention/covid", colour: (share) => [Math.round(190 * share), Math.round(120 + 135 * share), Math.round(90 - 30 * share)], strength: (value, full) => value / full },
};

// Blends one layer over a picture: pixel x (1 - opacity x strength) + colour x opacity x strength.
// values: the layer's pixels; full: the value at which its colour scale ends.
export function paintLayer(name, values, full, opacity, rgba) {
  const { colours, strengths } = scaleOf(name, full);
  for (let place = 0, to = 0; place < values.length; place++, to += 4) {
    const value = values[place];
    if (value === 0 || strengths[value] === 0) continue;
    const over = opacity * strengths[value];
    for (let channel = 0; channel < 3; channel++) {
      rgba[to + channel] = Math.round(rgba[to + channel] * (1 - over) + colours[3 * value + channel] * over);
    }
  }
}

function scaleOf(name, full) {
  const layer = LAYERS[name];
  const strengths = Float32Array.from({ length: 256 }, (_, value) => Math.min(1, layer.strength(value, full)));
  const colours = Uint8Array.from({ length: 768 }, (_, place) => layer.colour(strengths[Math.floor(place / 3)])[place % 3]);
  return { colours, strengths };
}
