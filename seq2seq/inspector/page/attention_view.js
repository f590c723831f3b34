/**
 * One translation and its attention: two lines of text and a heat map that light up together.
 *
 * Needs no server. It draws the JSON of `Translation.to_json` (seq2seq/translation.py): weights are (target rows,
 * source columns); offsets count Unicode code points, whereas JavaScript's string indices count UTF-16 units.
 *
 * A file that must open offline can carry a copy: dom.js, units.js, colors.js, text_line.js, heat_map.js and this
 * file, one after the other in one module script without their import lines (each is one line, and no two files
 * give the same name to two things), and attention_view.css.
 */

import { LINK_STRENGTH, weightColors } from "./colors.js";
import { element } from "./dom.js";
import { HeatMap } from "./heat_map.js";
import { TextLine } from "./text_line.js";
import { describeLink, percent, readingOf, shownWeights, unitNames, weightDescriber } from "./units.js";

/**
 * Draws the weights of a reading as a heat map.
 *
 * @param {HTMLElement} host is emptied and filled
 * @param {{reading: object, weights: number[][], hard: boolean}} options hard: links that are there or not
 */
export function drawHeatMap(host, { reading, weights, hard }) {
  const { rows, columns, languages, rightToLeft, wording } = reading;
  const common = { rows, columns, weights, languages, rightToLeft };
  if (!hard)
    return new HeatMap(host, { ...common, label: "Attention weights", describe: weightDescriber(wording) });
  return new HeatMap(host, {
    ...common,
    label: "Attention links",
    colors: () => weightColors(LINK_STRENGTH),
    describe: (row, column, shown, [place, other]) =>
      describeLink(row, column, reading.weights[place][other], shown > 0),
  });
}

/** Text lines, a sentence that says what is pointed at, and the heat map. */
export class AttentionView {
  /**
   * @param {HTMLElement} host is emptied and filled
   * @param {object} translation the JSON of one `Translation` with at least one hypothesis
   * @param {object} [options]
   * @param {number} [options.rank] which hypothesis, from 0
   * @param {"words"|"pieces"} [options.level]
   * @param {number|null} [options.threshold] null shows weights; a number from 0 to 1 the links of at least that weight
   * @param {(side: "source"|"target", index: number) => void} [options.onPick] a unit was clicked; without it, a click
   *     holds the highlighting until the next one
   * @param {typeof drawHeatMap} [options.draw] draws the weights; its result has `mark(row, column)`, and
   *     `press(row, column)` if it has words that are buttons
   * @param {{source: string|null, target: string|null}} [options.languages] for `lang` attributes
   */
  constructor(host, translation, options = {}) {
    const {
      rank = 0,
      level = "words",
      threshold = null,
      onPick = null,
      draw = drawHeatMap,
      languages,
    } = options;
    this.host = host;
    this.draw = draw;
    this.reading = readingOf(translation, rank, level, languages);
    this.threshold = threshold;
    this.onPick = onPick;
    this.held = null;
    this.#build();
    this.point(null, null);
    host.addEventListener("unit-hover", this.#onUnitHover);
    host.addEventListener("unit-pick", this.#onUnitPick);
    host.addEventListener("cell-hover", this.#onCellHover);
    host.addEventListener("cell-pick", this.#onCellPick);
  }

  /** Stops listening to the host, so that another view can take it over. */
  destroy() {
    this.host.removeEventListener("unit-hover", this.#onUnitHover);
    this.host.removeEventListener("unit-pick", this.#onUnitPick);
    this.host.removeEventListener("cell-hover", this.#onCellHover);
    this.host.removeEventListener("cell-pick", this.#onCellPick);
  }

  #build() {
    const { translation, hypothesis, columns, rows, languages } = this.reading;
    const part = (name) => element("div", { class: name });
    const [source, target, drawing] = [part("source-text"), part("target-text"), part("drawing")];
    this.note = element("p", { class: "pointed-at" });
    this.root = element("div", { class: "attention-view" }, source, target, this.note, drawing);
    this.host.replaceChildren(this.root);
    const names = unitNames(this.reading);
    this.source = new TextLine(source, translation.source.text, columns, {
      side: "source",
      label: "Source",
      language: languages.source,
      name: names.source,
    });
    this.target = new TextLine(target, hypothesis.text, rows, {
      side: "target",
      label: "Target",
      language: languages.target,
      name: names.target,
    });
    const weights = shownWeights(this.reading.weights, this.threshold);
    this.map = this.draw(drawing, { reading: this.reading, weights, hard: this.threshold !== null });
  }

  #onUnitHover = ({ detail: { side, index } }) =>
    this.#hover(side === "target" ? index : null, side === "source" ? index : null);
  #onCellHover = ({ detail: { row, column } }) => this.#hover(row, column);
  #onUnitPick = ({ detail: { side, index } }) => this.#pick(side, index);
  #onCellPick = ({ detail: { row, column } }) =>
    this.#pick(row === null ? "source" : "target", row ?? column);

  #hover(row, column) {
    if (row === null && column === null && this.held) [row, column] = this.held;
    this.point(row, column);
  }

  /** Keeps a place lit up while nothing is pointed at; null for neither. */
  hold(row, column) {
    this.held = row === null && column === null ? null : [row, column];
    this.target.press(row);
    this.source.press(column);
    this.map.press?.(row, column);
    this.point(row, column);
  }

  #pick(side, index) {
    if (this.onPick) {
      this.onPick(side, index);
      return;
    }
    const place = side === "target" ? [index, null] : [null, index];
    this.hold(...(String(this.held) === String(place) ? [null, null] : place));
  }

  /**
   * Lights up what belongs to a target unit, a source unit, or the cell where they meet.
   *
   * @param {number|null} row
   * @param {number|null} column
   */
  point(row, column) {
    const { weights } = this.reading;
    this.map.mark(row, column);
    this.source.mark(row === null ? null : weights[row], column);
    this.target.mark(column === null ? null : weights.map((each) => each[column]), row);
    this.note.replaceChildren(...this.#sentence(row, column));
  }

  #sentence(row, column) {
    const { rows, columns, weights, probabilities, languages, wording } = this.reading;
    const { verb, preposition, backwards } = wording;
    const quotedIn = (lang) => (unit) => element("bdi", { class: "quoted", lang }, unit.label);
    const [quotedSource, quotedTarget] = [quotedIn(languages.source), quotedIn(languages.target)];
    if (row === null && column === null) {
      return [
        element("span", { class: "hint" }, "Point at a word, or reach it with the Tab and arrow keys."),
      ];
    }
    if (row !== null && column !== null) {
      const share = element("b", {}, percent(weights[row][column]));
      return [quotedTarget(rows[row]), ` ${verb} `, share, ` ${preposition} `, quotedSource(columns[column])];
    }
    const list = (units, values, quoted) => {
      const order = units.map((_, index) => index).filter((index) => values[index] >= 0.01);
      order.sort((one, other) => values[other] - values[one]);
      const named = (index, place) => [place ? ", " : "", quoted(units[index]), ` ${percent(values[index])}`];
      return order.slice(0, 4).flatMap(named);
    };
    if (row !== null) {
      const probability = [" · probability ", element("b", {}, percent(probabilities[row]))];
      const places = list(columns, weights[row], quotedSource);
      return [quotedTarget(rows[row]), ` ${verb} ${preposition} `, ...places, ...probability];
    }
    const seen = weights.map((each) => each[column]);
    const watchers = list(rows, seen, quotedTarget);
    if (!watchers.length) return [`Nothing ${verb} ${preposition} `, quotedSource(columns[column])];
    return [quotedSource(columns[column]), ` ${backwards} `, ...watchers];
  }
}
