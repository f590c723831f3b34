/** Forcing a target word to look at chosen source words, and what comes of it. */

import { Asker } from "./api.js";
import { commonWords } from "./common_words.js";
import { Progress } from "./controls.js";
import { element } from "./dom.js";
import { codePoints, END_LABEL, isRightToLeft, percent, unitsOf } from "./units.js";
import { modelOf, searchOf } from "./view_state.js";

/** The same word a little, much, very much more or less likely: as a person would say it. */
function change(before, after) {
  const factor = after / before;
  if (!Number.isFinite(factor) || before === 0) return "";
  if (factor > 0.95 && factor < 1.05) return "hardly a change";
  const size = factor > 1 ? factor : 1 / factor;
  const times = size > 1000 ? "over 1000" : size >= 10 ? String(Math.round(size)) : size.toFixed(1);
  return `${times} times ${factor > 1 ? "more" : "less"} probable`;
}

/** The pieces of a hypothesis with the end, as the server wants a whole translation. */
export function piecesWithEnd(hypothesis) {
  return hypothesis.finished ? [...hypothesis.pieces, END_LABEL] : hypothesis.pieces;
}

/** The text of a hypothesis with the words underlined that another one has not. */
function textWithDifferences(hypothesis, other, language) {
  const common = new Set(commonWords(other.words, hypothesis.words).map(([, word]) => word));
  const characters = codePoints(hypothesis.text);
  const line = element("div", { class: "text-line", dir: "auto", lang: language });
  let written = 0;
  hypothesis.word_offsets.forEach(([start, end], word) => {
    if (common.has(word) || end <= start || start < written) return;
    line.append(characters.slice(written, start).join(""));
    line.append(element("span", { class: "different" }, characters.slice(start, end).join("")));
    written = end;
  });
  line.append(characters.slice(written).join(""));
  return line;
}

export class PinPanel {
  /** @param {{state: () => object, onPins: (pins: number[]) => void}} options */
  constructor({ state, onPins }) {
    Object.assign(this, { state, onPins });
    this.host = element("div", { class: "pin-panel" });
    this.progress = new Progress("Translating with pinned attention …");
    this.announcement = element("p", { class: "unseen", role: "status" }); // the focus stays where it is
    this.asker = new Asker(this.progress.busy);
  }

  /** Shows the source words to choose from for a row of a reading. */
  show(reading, row) {
    this.cancel();
    this.reading = reading;
    const { hypothesis, level, translation, languages } = reading;
    this.word = level === "words" ? row : (hypothesis.piece_to_word[row] ?? hypothesis.words.length);
    this.result = element("div", { class: "pin-result" });
    const words = unitsOf(translation.source, "words", true);
    const pinned = new Set(this.state().pins);
    const chips = words.map((word, index) => {
      const attributes = {
        type: "button",
        class: "chip",
        dir: "auto",
        lang: languages.source,
        "aria-pressed": String(pinned.has(index)),
      };
      const chip = element("button", attributes, word.label);
      chip.addEventListener("click", () => this.#toggle(chip, index));
      return chip;
    });
    this.host.replaceChildren(
      element("h4", {}, "Make it look at"),
      element(
        "div",
        {
          class: "chips pins",
          role: "group",
          "aria-label": "Source words to pin the attention to",
          dir: isRightToLeft(translation.source.text) ? "rtl" : "ltr", // the words follow as in the sentence
        },
        ...chips,
      ),
      this.progress.host,
      this.announcement,
      this.result,
    );
    if (pinned.size) this.#ask();
  }

  /** Gives up what is being asked. */
  cancel() {
    this.asker.cancel();
    this.progress.clear();
    this.announcement.textContent = "";
  }

  #toggle(chip, index) {
    const pinned = new Set(this.state().pins);
    if (!pinned.delete(index)) pinned.add(index);
    chip.setAttribute("aria-pressed", String(pinned.has(index)));
    this.onPins([...pinned].sort((one, other) => one - other));
    this.#ask();
  }

  async #ask() {
    const { translation, hypothesis } = this.reading;
    const last = translation.source.words.length;
    const pins = this.state().pins.filter((word) => word <= last);
    this.cancel();
    this.result.classList.toggle("stale", pins.length > 0);
    if (!pins.length) {
      this.result.replaceChildren();
      return;
    }
    const body = {
      source: translation.source.text,
      target_pieces: piecesWithEnd(hypothesis),
      pins: [{ target_word: this.word, source_words: pins }],
      ...searchOf(this.state()),
      ...modelOf(this.state()),
    };
    try {
      const answer = await this.asker.latest((ask) => ask("api/pin", body));
      if (!answer) return;
      this.result.classList.remove("stale");
      this.#showResult(answer);
    } catch (error) {
      this.result.classList.remove("stale");
      this.result.replaceChildren();
      this.progress.problem(error);
    }
  }

  #showResult({ before, after, continuation }) {
    const language = this.reading.languages.target;
    const [old, pinned, next] = [before, after, continuation].map((each) => each.hypotheses[0]);
    const [from, to] = [old, pinned].map((each) => each.word_probabilities[this.word]);
    this.announcement.textContent =
      `${percent(from)} → ${percent(to)} ${change(from, to)}. ` + (next ? `Then the model writes: ${next.text}` : "");
    const written = next ? [textWithDifferences(next, old, language)] : [];
    this.result.replaceChildren(
      element(
        "p",
        { class: "pin-change" },
        `${percent(from)} → `,
        element("b", {}, percent(to)),
        ` ${change(from, to)}`,
      ),
      element("h4", {}, "Then the model writes"),
      element("div", { class: "pin-continuation" }, ...written),
      this.#table(old, pinned, language),
    );
  }

  /** The words whose probability moved, in the order of the sentence. */
  #table(old, pinned, lang) {
    const labels = [...old.words, END_LABEL];
    const rows = old.word_probabilities.flatMap((from, index) => {
      const to = pinned.word_probabilities[index];
      if (Math.abs(to - from) < 0.01) return [];
      const cells = [element("th", { scope: "row" }, element("bdi", { lang }, labels[index]))];
      for (const share of [from, to]) cells.push(element("td", {}, percent(share)));
      return [element("tr", {}, ...cells)];
    });
    if (!rows.length)
      return element("p", { class: "hint" }, "No word of the old translation changes by 1 % or more.");
    const head = ["Word", "before", "pinned"].map((name) => element("th", { scope: "col" }, name));
    const caption = element("caption", {}, "The old translation's words");
    return element(
      "table",
      { class: "numbers" },
      caption,
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows),
    );
  }
}
