/** Colours of numbers: readable in the light and in the dark, and for colour-blind eyes. */

const colorsOfWeights = new Map(); // in steps of half a per cent

/** The weight whose colour a link has, whatever its own. */
export const LINK_STRENGTH = 0.7;

/** From no attention to all of it; blue alone, and ever darker (in the dark: ever lighter), so safe for all eyes. */
const WEIGHT_STOPS = {
  light: ["#ffffff", "#c4e6ff", "#8ecbff", "#5baff6", "#2c94e1", "#0078c3", "#065d9e", "#184474", "#1c2c49"],
  dark: ["#171c23", "#17395e", "#1b6bb4", "#62b5f5", "#e2f3ff"],
};

/** From "less" over "equal" to "more": orange and blue stay apart for all kinds of colour blindness. */
const DIFFERENCE_STOPS = {
  light: ["#7a3300", "#d9730d", "#fbd5a6", "#ffffff", "#c4e6ff", "#2c94e1", "#184474"],
  dark: ["#ffe0b8", "#e58a2b", "#613812", "#171c23", "#17395e", "#4aa0e6", "#e2f3ff"],
};

/** The `[red, green, blue]` at a place from 0 to 1 between hexadecimal colours at equal distances. */
export function between(stops, place) {
  const scaled = Math.min(Math.max(place, 0), 1) * (stops.length - 1);
  const lower = Math.min(Math.floor(scaled), stops.length - 2);
  const channels = (color) => [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16));
  const [from, to] = [channels(stops[lower]), channels(stops[lower + 1])];
  return from.map((channel, index) => Math.round(channel + (to[index] - channel) * (scaled - lower)));
}

function luminance(color) {
  const [red, green, blue] = color.map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/**
 * Paper and ink for a value, in the light and in the dark.
 *
 * @param {{light: string[], dark: string[]}} stops hexadecimal colours of the scale
 * @param {number} place 0 to 1
 * @returns {{paper: string, ink: string}} CSS colours; the ink has a contrast of at least 4.5 to the paper
 */
export function paperAndInk(stops, place) {
  const [light, dark] = [between(stops.light, place), between(stops.dark, place)];
  const ink = (color) => (luminance(color) > 0.179 ? "#000" : "#fff");
  return {
    paper: `light-dark(rgb(${light.join(" ")}), rgb(${dark.join(" ")}))`,
    ink: `light-dark(${ink(light)}, ${ink(dark)})`,
  };
}

/** Paper and ink for an attention weight. */
export function weightColors(weight) {
  const step = Math.round(200 * weight);
  if (!colorsOfWeights.has(step)) colorsOfWeights.set(step, paperAndInk(WEIGHT_STOPS, step / 200));
  return colorsOfWeights.get(step);
}

/** Paper and ink for a number between `-largest` (orange) and `largest` (blue); what lies beyond has the last colour. */
export function differenceColors(difference, largest) {
  return paperAndInk(DIFFERENCE_STOPS, 0.5 + difference / largest / 2);
}

/** The colour of a weight on white paper, for pictures that leave the page. */
export function weightOnWhite(weight) {
  return `rgb(${between(WEIGHT_STOPS.light, weight).join(",")})`;
}
