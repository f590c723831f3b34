/** What the model could have written instead of a chosen word, and what happens when it must look elsewhere. */

import { Asker } from "./api.js";
import { Progress } from "./controls.js";
import { element } from "./dom.js";
import { PinPanel } from "./pin_panel.js";
import { END_LABEL, isRightToLeft, percent, pieceLabel } from "./units.js";
import { modelOf } from "./view_state.js";

/** The pieces of a row: one at the level of pieces, all of the word's otherwise. */
function piecesOfRow(hypothesis, level, row) {
  if (level === "pieces") return [row];
  if (row >= hypothesis.words.length) return [hypothesis.pieces.length];
  return hypothesis.piece_to_word.flatMap((word, piece) => (word === row ? [piece] : []));
}

export class WordPanel {
  /**
   * @param {object} options
   * @param {() => object} options.state of the page
   * @param {(prefix: string[]) => void} options.onPrefix asks for a translation that begins with these pieces
   * @param {(pins: number[]) => void} options.onPins remembers the pinned source words
   * @param {() => void} options.onClose
   */
  constructor({ state, onPrefix, onPins, onClose }) {
    Object.assign(this, { state, onPrefix, onClose, shown: null });
    this.host = element("aside", { class: "word-panel", "aria-label": "The chosen word" });
    this.host.addEventListener("keydown", (event) => event.key === "Escape" && this.onClose());
    this.progress = new Progress("Asking for alternatives …");
    this.asker = new Asker(this.progress.busy);
    this.pinPanel = new PinPanel({ state, onPins });
  }

  /** Shows a row of a reading (see `readingOf`); nothing is asked again when it shows that row already. */
  show(reading, row) {
    const { hypothesis, level, rows, probabilities, languages } = reading;
    const { shown } = this;
    const { pieces: written } = hypothesis; // they stay the same list when other attention is drawn
    if (shown && shown.written === written && shown.level === level && shown.row === row) return;
    this.shown = { written, level, row };
    const pieces = piecesOfRow(hypothesis, level, row);
    const close = element(
      "button",
      { type: "button", class: "quiet close", "aria-label": "Close the word's panel" },
      "×",
    );
    close.addEventListener("click", this.onClose);
    const title = element("h3", {}, element("bdi", { lang: languages.target }, rows[row].label));
    const facts = element("p", { class: "facts" }, `probability ${percent(probabilities[row])}`);
    this.list = element("ol", { class: "alternatives", "aria-label": "Alternatives" });
    const steps = this.#steps(reading, pieces);
    this.host.replaceChildren(
      element("div", { class: "panel-head" }, title, facts, close),
      element("h4", {}, "Alternatives at this step"),
      ...steps,
      this.progress.host,
      this.list,
      this.pinPanel.host,
    );
    this.pinPanel.show(reading, row);
    this.#ask(reading, pieces[0]);
  }

  /** Leaves the page, and forgets what it showed. */
  close() {
    this.shown = null;
    this.asker.cancel();
    this.pinPanel.cancel();
    this.host.remove();
  }

  /** A word of several pieces was written in several steps, each with its own alternatives. */
  #steps(reading, pieces) {
    if (pieces.length < 2) return [];
    const buttons = pieces.map((piece) => {
      const pressed = String(piece === pieces[0]);
      const label = reading.hypothesis.pieces[piece];
      const lang = reading.languages.target;
      const button = element(
        "button",
        { type: "button", class: "chip", dir: "auto", lang, "aria-pressed": pressed },
        label,
      );
      button.addEventListener("click", () => {
        for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
        this.#ask(reading, piece);
      });
      return button;
    });
    const dir = isRightToLeft(reading.hypothesis.text) ? "rtl" : "ltr";
    const attributes = { class: "chips", role: "group", "aria-label": "Piece of the word", dir };
    return [element("div", attributes, ...buttons)];
  }

  async #ask({ translation, hypothesis, languages }, piece) {
    const prefix = hypothesis.pieces.slice(0, piece);
    const written = hypothesis.pieces[piece] ?? END_LABEL;
    this.list.replaceChildren();
    this.progress.clear();
    try {
      const body = { source: translation.source.text, prefix, count: 10, ...modelOf(this.state()) };
      const answer = await this.asker.latest((ask) => ask("api/alternatives", body));
      if (answer)
        this.list.replaceChildren(
          ...answer.alternatives.map((each) => this.#alternative(each, written, prefix, languages.target)),
        );
    } catch (error) {
      this.progress.problem(error);
    }
  }

  #alternative(alternative, written, prefix, language) {
    const { piece, is_end: isEnd, probability } = alternative;
    const shown = isEnd ? "end of sentence" : pieceLabel(alternative, prefix.length === 0);
    const lang = isEnd ? null : language;
    const isWritten = piece === written;
    const bar = element("span", { class: "bar" });
    bar.style.inlineSize = `${100 * probability}%`;
    const button = element(
      "button",
      { type: "button", class: isEnd ? "end" : null, "aria-current": isWritten ? "true" : null },
      bar,
      element("bdi", { lang }, shown),
      element("span", { class: "number" }, percent(probability)),
    );
    const name = `${shown}, ${percent(probability)}${isWritten ? ", chosen now" : ", continue with this"}`;
    button.setAttribute("aria-label", name);
    button.addEventListener("click", () => this.onPrefix([...prefix, piece]));
    return element("li", {}, button);
  }
}
