/** The heat map as a picture that leaves the page: the same shapes as SVG, or painted on a canvas for PNG. */

import { weightOnWhite } from "./colors.js";

const SVG = "http://www.w3.org/2000/svg";
const CELL = 30;
const MARGIN = 20;
const FONT = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "Noto Sans Arabic", "Noto Sans CJK SC", sans-serif';
const [INK, FAINT, GRID] = ["#1b242e", "#586472", "#dfe3e4"];
const PIXELS_PER_POINT = 2;

function widest(units, size) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `${size}px ${FONT}`;
  return Math.max(0, ...units.map((unit) => context.measureText(unit.label).width));
}

/**
 * Where everything goes.
 *
 * @param {object} reading as `readingOf` gives it
 * @returns {{width: number, height: number, cells: object[], texts: object[]}} in CSS pixels
 */
export function layout({ rows, columns, weights, rightToLeft: mirrored }) {
  const [rowLabels, columnLabels] = [widest(rows, 14) + 10, 0.71 * widest(columns, 14) + 16];
  const overhang = columnLabels - CELL / 2;
  const left = MARGIN + (mirrored ? overhang : rowLabels);
  const top = MARGIN + columnLabels;
  const [gridWidth, gridHeight] = [columns.length * CELL, rows.length * CELL];
  const x = (column) => left + (mirrored ? columns.length - 1 - column : column) * CELL;
  const cells = rows.flatMap((_, row) =>
    columns.map((_, column) => ({
      x: x(column),
      y: top + row * CELL,
      color: weightOnWhite(weights[row][column]),
    })),
  );
  const ofColumn = (unit, column) => ({
    text: unit.label,
    color: unit.isEnd ? FAINT : INK,
    x: x(column) + CELL / 2 + (mirrored ? -4 : 4),
    y: top - 6,
    angle: mirrored ? 45 : -45,
    anchor: mirrored ? "end" : "start",
  });
  const ofRow = (unit, row) => ({
    text: unit.label,
    color: unit.isEnd ? FAINT : INK,
    x: mirrored ? left + gridWidth + 8 : left - 8,
    y: top + row * CELL + CELL / 2 + 5,
    angle: 0,
    anchor: mirrored ? "start" : "end",
  });
  const width = MARGIN + left + gridWidth + (mirrored ? rowLabels : overhang);
  return {
    width,
    height: top + gridHeight + MARGIN,
    cells,
    texts: [...columns.map(ofColumn), ...rows.map(ofRow)],
  };
}

// What XML 1.0 has no place for: a text from elsewhere may hold control characters.
const NOT_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

function svgElement(name, attributes, content = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = content.replace(NOT_XML, "\ufffd");
  return made;
}

/** @returns {string} an SVG file */
export function svgPicture(reading) {
  const { width, height, cells, texts } = layout(reading);
  const [wide, high] = [Math.ceil(width), Math.ceil(height)];
  const root = svgElement("svg", {
    width: wide,
    height: high,
    viewBox: `0 0 ${wide} ${high}`,
    "font-size": 14,
  });
  root.setAttribute("font-family", FONT);
  root.append(svgElement("title", {}, reading.hypothesis.text));
  root.append(svgElement("rect", { width: wide, height: high, fill: "#ffffff" }));
  for (const { x, y, color } of cells)
    root.append(svgElement("rect", { x, y, width: CELL, height: CELL, fill: color, stroke: GRID }));
  for (const { text, color, x, y, angle, anchor } of texts) {
    const place = { fill: color, "text-anchor": anchor, transform: `translate(${x} ${y}) rotate(${angle})` };
    // An Arabic text starts at its right end: the anchor is meant in the picture's direction, not in the text's.
    root.append(svgElement("text", { ...place, direction: "ltr", "unicode-bidi": "embed" }, text));
  }
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(root)}\n`;
}

/** @returns {Promise<Blob>} a PNG file, with two pixels for each CSS pixel */
export function pngPicture(reading) {
  const { width, height, cells, texts } = layout(reading);
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width * PIXELS_PER_POINT);
  canvas.height = Math.ceil(height * PIXELS_PER_POINT);
  const context = canvas.getContext("2d");
  context.scale(PIXELS_PER_POINT, PIXELS_PER_POINT);
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width, height);
  context.strokeStyle = GRID;
  for (const { x, y, color } of cells) {
    context.fillStyle = color;
    context.fillRect(x, y, CELL, CELL);
    context.strokeRect(x, y, CELL, CELL);
  }
  context.font = `14px ${FONT}`;
  context.direction = "ltr";
  for (const { text, color, x, y, angle, anchor } of texts) {
    context.save();
    context.translate(x, y);
    context.rotate((angle * Math.PI) / 180);
    context.fillStyle = color;
    context.textAlign = anchor === "end" ? "right" : "left";
    context.fillText(text, 0, 0);
    context.restore();
  }
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("The picture is too large for this browser."))),
      "image/png",
    );
  });
}
