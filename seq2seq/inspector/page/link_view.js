/** Two lines of text with a line from each target word to the source words that its weights point at. */

import { element } from "./dom.js";
import { TextLine } from "./text_line.js";
import { isRightToLeft, percent, unitNames } from "./units.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 120;
const FAINTEST_LINE = 0.03;
const WIDEST_LINE = 7;

/** Has the interface of `HeatMap`: `mark(row, column)`, and events of its text lines; `press` is for their words. */
export class LinkView {
  /**
   * @param {HTMLElement} host is emptied and filled
   * @param {object} options
   * @param {object} options.reading as `readingOf` gives it
   * @param {number[][]} options.weights (rows, columns) to draw
   * @param {boolean} options.hard all lines alike, rather than as thick as their weight
   */
  constructor(host, { reading, weights, hard }) {
    Object.assign(this, { host, weights, hard });
    const { rows, columns, translation, hypothesis, languages } = reading;
    const [source, target] = [element("div", { class: "one-line" }), element("div", { class: "one-line" })];
    this.drawing = document.createElementNS(SVG, "svg");
    this.drawing.setAttribute("height", HEIGHT);
    this.drawing.setAttribute("role", "img");
    this.sheet = element("div", { class: "link-sheet" }, source, this.drawing, target);
    // Both texts begin at the side where the target begins, however long the other one is.
    const dir = isRightToLeft(hypothesis.text) ? "rtl" : "ltr";
    host.replaceChildren(element("div", { class: "link-view", dir }, this.sheet));
    const names = unitNames(reading);
    this.source = new TextLine(source, translation.source.text, columns, {
      side: "source",
      label: "Source, with links",
      language: languages.source,
      name: names.source,
    });
    this.target = new TextLine(target, hypothesis.text, rows, {
      side: "target",
      label: "Target, with links",
      language: languages.target,
      name: names.target,
    });
    this.drawing.setAttribute("aria-label", this.#inWords(rows, columns));
    this.marked = [null, null];
    this.#draw();
    new ResizeObserver(() => this.#draw()).observe(this.sheet);
  }

  /** What has a line: two units that both can be seen, and a weight that is not too faint. */
  #links() {
    const sources = [...this.source.spans.keys()];
    return [...this.target.spans.keys()].flatMap((row) =>
      sources
        .map((column) => ({ row, column, weight: this.weights[row][column] }))
        .filter(({ weight }) => weight >= FAINTEST_LINE),
    );
  }

  #inWords(rows, columns) {
    const links = this.#links().map(
      ({ row, column, weight }) => `${rows[row].label} to ${columns[column].label} ${percent(weight)}`,
    );
    return links.length ? `Links: ${links.join(", ")}` : "No links";
  }

  #draw() {
    const sheet = this.sheet.getBoundingClientRect();
    const middle = (span) => {
      const box = span.getBoundingClientRect();
      return box.left + box.width / 2 - sheet.left;
    };
    const middles = (line) => new Map([...line.spans].map(([index, span]) => [index, middle(span)]));
    const [starts, ends] = [middles(this.source), middles(this.target)];
    this.lines = this.#links().map(({ row, column, weight }) => {
      const [from, to] = [starts.get(column), ends.get(row)];
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("d", `M${from} 0C${from} ${HEIGHT / 2} ${to} ${HEIGHT / 2} ${to} ${HEIGHT}`);
      path.setAttribute("stroke-width", this.hard ? 2 : Math.max(WIDEST_LINE * weight, 0.75));
      path.setAttribute("stroke-opacity", this.hard ? 0.9 : 0.25 + 0.75 * weight);
      return { path, row, column };
    });
    this.drawing.replaceChildren(...this.lines.map((line) => line.path));
    this.#markLines();
  }

  press(row, column) {
    this.target.press(row);
    this.source.press(column);
  }

  /** Lines that are drawn anew, as at another width, are marked as the old ones were. */
  #markLines() {
    const [row, column] = this.marked;
    this.drawing.classList.toggle("pointing", row !== null || column !== null);
    for (const line of this.lines) {
      const on = (row === null || line.row === row) && (column === null || line.column === column);
      line.path.classList.toggle("marked", on && (row !== null || column !== null));
    }
  }

  mark(row, column) {
    this.marked = [row, column];
    this.#markLines();
    this.source.mark(row === null ? null : this.weights[row], column);
    this.target.mark(column === null ? null : this.weights.map((each) => each[column]), row);
  }
}
