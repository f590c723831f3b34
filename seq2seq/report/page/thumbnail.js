import { element } from "../../inspector/page/dom.js";

// Of the middle of the heat map's scale; it can be told from white and from black.
const INK = [44, 148, 225];

/**
 * Attention as a small picture, a pixel for each weight: a diagonal, a smear and a stripe are told at a glance.
 *
 * @param {number[][]} weights (target rows, source columns)
 * @param {boolean} rightToLeft the first source word is at the right, as it is in the heat map
 */
export function thumbnail(weights, rightToLeft) {
  const [rows, columns] = [weights.length, weights[0]?.length ?? 0];
  const name = rightToLeft ? "thumbnail mirrored" : "thumbnail";
  const canvas = element("canvas", { class: name, width: columns || 1, height: rows || 1, "aria-hidden": "true" });
  if (!rows || !columns) return canvas;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(columns, rows);
  weights.flat().forEach((weight, place) => picture.data.set([...INK, Math.round(255 * Math.sqrt(weight))], 4 * place));
  context.putImageData(picture, 0, 0);
  return canvas;
}
