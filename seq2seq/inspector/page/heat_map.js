import { weightColors } from "./colors.js";
import { element, isShortcut } from "./dom.js";
import { codePoints, weightDescriber, WORDINGS } from "./units.js";

const SMALLEST_CELL = 15;
const LARGEST_CELL = 46;
const SMALLEST_CELL_WITH_NUMBER = 27;
const SMALLEST_NUMBER_SHOWN = 0.05;
const WIDTH_WHEN_HIDDEN = 700;
const LONGEST_LABEL = 22; // characters

function shortened(label) {
  const characters = codePoints(label);
  return characters.length > LONGEST_LABEL ? characters.slice(0, LONGEST_LABEL - 1).join("") + "…" : label;
}

/**
 * How the labels of columns stand above cells of a given size.
 *
 * @param {number[]} widths of the labels, in CSS pixels
 * @param {number} cell side of a cell
 * @returns {{slant: string, height: number, overhang: number}} with how far they reach past the last column
 */
function labelLayout(widths, cell) {
  const longest = Math.max(...widths);
  if (longest <= cell - 4) return { slant: "flat", height: 24, overhang: 0 };
  if (cell < 21) return { slant: "upright", height: longest + 12, overhang: 0 };
  // Each begins 4 pixels past the middle of its column (attention_view.css) and rises at 45°.
  const ends = widths.map((width, place) => place * (cell + 1) + cell / 2 + 4 + Math.SQRT1_2 * width);
  const overhang = Math.max(0, ...ends.map((end) => end - widths.length * (cell + 1)));
  return { slant: "slanted", height: 0.72 * longest + 22, overhang };
}

/**
 * A matrix with words on two sides, as a grid whose cells the arrow keys reach.
 *
 * Sends `cell-hover` ({row, column}; either may be null, for labels) and `cell-pick` from `host`.
 */
export class HeatMap {
  /**
   * @param {HTMLElement} host is emptied and filled
   * @param {object} options
   * @param {ReturnType<typeof unitsOf>} options.rows target units
   * @param {ReturnType<typeof unitsOf>} options.columns source units
   * @param {number[][]} options.weights (rows, columns)
   * @param {string} options.label what the grid is called
   * @param {{source: string|null, target: string|null}} [options.languages] for `lang` attributes
   * @param {boolean} [options.rightToLeft] whether the first column is the rightmost
   * @param {(weight: number) => {paper: string, ink: string}} [options.colors]
   * @param {(weight: number) => string} [options.number] what is written into a cell; "" for nothing
   * @param {(row: object, column: object, weight: number, place: number[]) => string} [options.describe]
   * @param {(row: number, column: number) => string} [options.mark] a class for the cell, or ""
   * @param {() => number} [options.cellSize] side of a cell in CSS pixels; as there is room for, if not given
   */
  constructor(
    host,
    {
      rows,
      columns,
      weights,
      label,
      languages = null,
      rightToLeft = false,
      colors = weightColors,
      number,
      describe = weightDescriber(WORDINGS.prior),
      mark,
      cellSize,
    },
  ) {
    Object.assign(this, { host, rows, columns, weights, languages, rightToLeft, colors, describe, cellSize });
    this.markOf = mark ?? (() => "");
    this.number =
      number ?? ((weight) => (weight >= SMALLEST_NUMBER_SHOWN ? String(Math.round(100 * weight)) : ""));
    const dir = rightToLeft ? "rtl" : "ltr";
    this.scroller = element("div", { class: "heat-map", dir }); // what does not fit begins with the first column
    this.table = element("table", { role: "grid", "aria-label": label, dir });
    this.band = { row: element("div", { class: "band" }), column: element("div", { class: "band" }) };
    this.marked = [null, null];
    this.#fill();
    this.scroller.append(this.table, this.band.row, this.band.column);
    host.replaceChildren(this.scroller);
    this.#fit();
    this.#listen();
    new ResizeObserver(() => {
      if (this.host.clientWidth === this.fittedTo) return;
      this.#fit();
      this.mark(...this.marked); // the frames belong where row and column are now
    }).observe(host);
  }

  #fit() {
    const context = document.createElement("canvas").getContext("2d");
    context.font = `14px ${getComputedStyle(this.host).fontFamily || "sans-serif"}`;
    const widths = (units) => units.map((unit) => context.measureText(shortened(unit.label)).width);
    this.fittedTo = this.host.clientWidth;
    const available = this.fittedTo || WIDTH_WHEN_HIDDEN;
    const [rowLabels, labels] = [Math.max(...widths(this.rows)) + 18, widths(this.columns)];
    const fits = (size) =>
      rowLabels + labels.length * (size + 1) + labelLayout(labels, size).overhang + 8 <= available;
    let cell = this.cellSize?.() ?? LARGEST_CELL;
    while (!this.cellSize && cell > SMALLEST_CELL && !fits(cell)) cell -= 1;
    this.cell = cell;
    const { slant, height, overhang } = labelLayout(labels, cell);
    this.scroller.className = `heat-map ${slant}`;
    this.scroller.classList.toggle("without-numbers", cell < SMALLEST_CELL_WITH_NUMBER);
    this.scroller.style.setProperty("--cell", `${cell}px`);
    this.scroller.style.setProperty("--label-height", `${Math.ceil(height)}px`);
    this.scroller.style.setProperty("--overhang", `${Math.ceil(overhang)}px`);
    // What is focused does not stay behind the row labels.
    const labelSide = this.rightToLeft ? "scrollPaddingRight" : "scrollPaddingLeft";
    this.scroller.style[labelSide] = `${Math.ceil(rowLabels)}px`;
  }

  #fill() {
    const label = (unit, language) =>
      element("span", { dir: "auto", lang: language, title: unit.label }, shortened(unit.label));
    const head = element("tr", {}, element("td", { class: "corner" }));
    this.columns.forEach((column) => {
      const name = column.isEnd ? "end of the source" : `source: ${column.label}`;
      const attributes = {
        scope: "col",
        class: column.isEnd ? "end" : null,
        "aria-label": name,
        tabindex: -1,
      };
      head.append(element("th", attributes, label(column, this.languages?.source)));
    });
    const lines = this.rows.map((row, place) => {
      const name = row.isEnd ? "end of the target" : `target: ${row.label}`;
      const attributes = { scope: "row", class: row.isEnd ? "end" : null, "aria-label": name, tabindex: -1 };
      const cells = this.columns.map((column, other) => this.#cell(row, column, place, other));
      return element("tr", {}, element("th", attributes, label(row, this.languages?.target)), ...cells);
    });
    this.table.append(element("thead", {}, head), element("tbody", {}, ...lines));
    const first = this.table.querySelector("tbody td");
    if (first) first.tabIndex = 0;
  }

  #cell(row, column, place, other) {
    const weight = this.weights[place][other];
    const cell = document.createElement("td");
    const number = this.number(weight);
    const { paper, ink } = this.colors(weight);
    if (weight !== 0) cell.style.backgroundColor = paper;
    if (number) {
      cell.style.color = ink;
      cell.textContent = number;
    }
    const mark = this.markOf(place, other);
    if (mark) cell.className = mark;
    cell.setAttribute("role", "gridcell");
    cell.setAttribute("aria-label", this.describe(row, column, weight, [place, other]));
    cell.tabIndex = -1;
    return cell;
  }

  /** The row and column of a cell or label; null where the label is of the other side. */
  #placeOf(target) {
    const cell = target?.closest?.("td, th");
    if (!cell || !this.table.contains(cell) || cell.classList.contains("corner")) return null;
    const [row, column] = [cell.parentElement.rowIndex - 1, cell.cellIndex - 1];
    return { row: row < 0 ? null : row, column: column < 0 ? null : column };
  }

  #listen() {
    const send = (kind, place) =>
      this.host.dispatchEvent(new CustomEvent(kind, { bubbles: true, detail: place }));
    const nowhere = { row: null, column: null };
    const hover = (event) => send("cell-hover", this.#placeOf(event.target) ?? nowhere);
    this.table.addEventListener("pointerover", hover);
    this.table.addEventListener("pointerleave", () => send("cell-hover", nowhere));
    this.table.addEventListener("focusin", hover);
    this.table.addEventListener("focusout", () => send("cell-hover", nowhere));
    this.table.addEventListener("click", (event) => {
      const place = this.#placeOf(event.target);
      if (place) send("cell-pick", place);
    });
    this.table.addEventListener("keydown", (event) => {
      const toAnEnd = event.ctrlKey && !event.altKey && ["Home", "End"].includes(event.key);
      if (isShortcut(event) && !toAnEnd) return;
      const place = this.#placeOf(event.target);
      if (!place) return;
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        send("cell-pick", place);
      } else if (this.#move(event, (place.row ?? -1) + 1, (place.column ?? -1) + 1)) event.preventDefault();
    });
  }

  #move(event, row, column) {
    const right = this.rightToLeft ? -1 : 1;
    const [lastRow, lastColumn] = [this.rows.length, this.columns.length];
    const target = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      ArrowRight: [row, column + right],
      ArrowLeft: [row, column - right],
      Home: [event.ctrlKey ? 1 : row, 1],
      End: [event.ctrlKey ? lastRow : row, lastColumn],
      PageDown: [Math.min(row + 5, lastRow), column],
      PageUp: [Math.max(row - 5, 1), column],
    }[event.key];
    const next = target && this.table.rows[target[0]]?.cells[target[1]];
    if (!next || next.classList.contains("corner")) return false;
    for (const each of this.table.querySelectorAll('[tabindex="0"]')) each.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    return true;
  }

  /** Lays a frame around the cells between two of them; without cells there is none. */
  #frame(band, first, last) {
    band.hidden = !first;
    if (!first) return;
    const [origin, ...ends] = [this.scroller, first, last].map((each) => each.getBoundingClientRect());
    const left = Math.min(...ends.map((end) => end.left));
    const right = Math.max(...ends.map((end) => end.right));
    const [top, bottom] = [ends[0].top, ends[1].bottom];
    Object.assign(band.style, {
      left: `${left - origin.left + this.scroller.scrollLeft}px`,
      top: `${top - origin.top + this.scroller.scrollTop}px`,
      width: `${right - left}px`,
      height: `${bottom - top}px`,
    });
  }

  /** Frames a row and a column; null for none. */
  mark(row, column) {
    this.marked = [row, column];
    const [head, ...lines] = this.table.rows;
    const heading = row === null ? null : lines[row]?.cells[0];
    const top = column === null ? null : head.cells[column + 1];
    const across = heading ? [...lines[row].cells].slice(1) : [];
    const down = top ? lines.map((line) => line.cells[column + 1]) : [];
    this.#frame(this.band.row, across[0], across.at(-1));
    this.#frame(this.band.column, down[0], down.at(-1));
    for (const each of this.table.querySelectorAll("th.marked")) each.classList.remove("marked");
    heading?.classList.add("marked");
    top?.classList.add("marked");
  }
}
