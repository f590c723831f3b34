/** The same sentence twice: another model, another checkpoint or greedy search beside it, and the difference. */

import { Asker } from "./api.js";
import { AttentionView } from "./attention_view.js";
import { differenceColors } from "./colors.js";
import { commonWords } from "./common_words.js";
import { choice, Progress } from "./controls.js";
import { element } from "./dom.js";
import { HeatMap } from "./heat_map.js";
import { facts } from "./hypothesis_list.js";
import { languagesOf, modelNamed } from "./models.js";
import { piecesWithEnd } from "./pin_panel.js";
import { END_LABEL, readingOf, textOfPieces } from "./units.js";
import { searchOf } from "./view_state.js";

const SEARCHES = { same: "Same search", greedy: "Greedy", scored: "The same words" };
const LARGEST_DIFFERENCE = 1; // between two weights
const SMALLEST_DIFFERENCE = 0.005;

export class CompareTab {
  constructor(host, { models, state, languages, change }) {
    Object.assign(this, { host, models, state, languages, change });
    this.progress = new Progress("Translating again …");
    this.asker = new Asker(this.progress.busy);
    this.toolbar = element("div", { class: "toolbar" });
    this.content = element("div");
    host.replaceChildren(this.toolbar, this.progress.host, this.content);
  }

  /** What the sentence is compared with; without a choice the next model, or greedy search of the only one. */
  #other() {
    const { model, checkpoint, otherModel, otherCheckpoint, otherSearch } = this.state();
    const first = modelNamed(this.models, model);
    const next = this.models.find(({ name }) => name !== first.name) ?? first;
    const chosen = this.models.find(({ name }) => name === otherModel) ?? next;
    const onlyOne = otherModel === null && chosen === first && otherCheckpoint === null;
    const isKept = chosen.checkpoints.some(({ epoch }) => epoch === otherCheckpoint); // links grow old
    return {
      model: chosen,
      // Two searches differ in the search alone when both have the same weights.
      checkpoint: onlyOne ? checkpoint : isKept ? otherCheckpoint : null,
      search: onlyOne && otherSearch === "same" ? "greedy" : otherSearch,
    };
  }

  show(translation) {
    this.translation = translation;
    this.#fillToolbar();
    this.#ask();
  }

  #fillToolbar() {
    const { model, checkpoint, search } = this.#other();
    const select = element("select", { "aria-label": "Model to compare with" });
    select.append(
      ...this.models.map(({ name }) =>
        element("option", { value: name, selected: name === model.name }, name),
      ),
    );
    select.addEventListener("change", () =>
      this.#choose({ otherModel: select.value, otherCheckpoint: null }),
    );
    const parts = [element("label", { class: "inline-field" }, "Beside it", select)];
    if (model.checkpoints.length) {
      const epochs = element("select", { "aria-label": "Checkpoint to compare with" });
      const best = element("option", { value: "", selected: checkpoint === null }, "best weights");
      const kept = model.checkpoints.map(({ epoch }) =>
        element("option", { value: epoch, selected: epoch === checkpoint }, `epoch ${epoch}`),
      );
      epochs.append(best, ...kept);
      epochs.addEventListener("change", () =>
        this.#choose({ otherModel: model.name, otherCheckpoint: Number(epochs.value) || null }),
      );
      parts.push(epochs);
    }
    const choose = (value) =>
      this.#choose({ otherModel: model.name, otherCheckpoint: checkpoint, otherSearch: value });
    this.toolbar.replaceChildren(...parts, choice("Search", SEARCHES, search, choose));
  }

  #choose(changes) {
    this.change(changes);
    if ("otherModel" in changes && !("otherSearch" in changes)) {
      const focused = this.toolbar.contains(document.activeElement)
        ? document.activeElement.getAttribute("aria-label")
        : null;
      this.#fillToolbar();
      // What was chosen with the keyboard is chosen on with it.
      if (focused) this.toolbar.querySelector(`[aria-label="${focused}"]`)?.focus();
    }
    this.#ask();
  }

  async #ask() {
    const { model, checkpoint, search } = this.#other();
    const which = { model: model.name, ...(checkpoint ? { checkpoint } : {}) };
    this.progress.clear();
    this.content.classList.add("stale");
    try {
      const other = await this.asker.latest((ask) =>
        search === "scored" ? this.#scored(ask, which) : this.#searched(ask, which, search === "greedy"),
      );
      if (!other) return;
      this.content.classList.remove("stale");
      const epoch = checkpoint ? `, epoch ${checkpoint}` : "";
      const title = `${model.name}${epoch} · ${SEARCHES[search].toLowerCase()}`;
      this.#draw(other.translations[0], title, languagesOf(model));
    } catch (error) {
      this.content.classList.remove("stale");
      this.content.replaceChildren();
      this.progress.problem(error);
    }
  }

  /** What the other model or search makes of the sentence, from the chosen beginning on if there is one. */
  async #searched(ask, which, greedy) {
    const { prefix } = this.state();
    const known = this.#cutsAlike(which) || !prefix.length;
    const options = { ...searchOf({ ...this.state(), model: null, checkpoint: null }), ...which };
    const { text } = this.translation.source;
    const question = { sentences: [text], ...options, ...(greedy ? { beam_size: 1 } : {}) };
    return ask("api/translate", {
      ...question,
      prefix: known ? prefix : await this.#cutUpAnew(ask, which, prefix),
    });
  }

  /** Whether the other model would write a text in the pieces of the shown one: both have the same tokenizer. */
  #cutsAlike(which) {
    const [shown, other] = [this.state().model, which.model].map((name) => modelNamed(this.models, name));
    return shown.target_tokenizer === other.target_tokenizer;
  }

  /** A chosen beginning in the pieces of another model's tokenizer, which cuts the text up its own way. */
  async #cutUpAnew(ask, which, prefix) {
    const pair = { source: this.translation.source.text, target: textOfPieces(prefix) };
    const { translations } = await ask("api/score", { pairs: [pair], ...which });
    const pieces = translations[0].hypotheses[0]?.pieces ?? [];
    return prefix.at(-1) === END_LABEL ? [...pieces, END_LABEL] : pieces;
  }

  /** What the other model thinks of the shown translation: of its very pieces, if it writes such. */
  #scored(ask, which) {
    const { source, hypotheses } = this.translation;
    const shown = hypotheses[this.state().rank];
    // Pieces that the other model happens to know, but would never write so, are improbable whatever they say.
    const target = this.#cutsAlike(which) ? { target_pieces: piecesWithEnd(shown) } : { target: shown.text };
    return ask("api/score", { pairs: [{ source: source.text, ...target }], ...which });
  }

  #draw(other, otherTitle, otherLanguages) {
    const { rank, model, checkpoint } = this.state();
    if (!other.hypotheses.length) {
      this.content.replaceChildren(element("p", { class: "hint" }, "There is nothing to compare."));
      return;
    }
    const languages = this.languages();
    const left = readingOf(this.translation, rank, "words", languages);
    const right = readingOf(other, 0, "words", otherLanguages);
    const title = `${model ?? this.models[0].name}${checkpoint ? `, epoch ${checkpoint}` : ""} · shown translation`;
    const side = (name, reading) => {
      const heading = element("h3", {}, name);
      const place = element("div");
      return [
        place,
        element(
          "section",
          { class: "compared", "aria-label": name },
          heading,
          element("p", { class: "hint" }, facts(reading.hypothesis)),
          place,
        ),
      ];
    };
    const [leftPlace, leftSide] = side(title, left);
    const [rightPlace, rightSide] = side(otherTitle, right);
    const difference = element("section", { class: "difference" });
    this.content.replaceChildren(element("div", { class: "sides" }, leftSide, rightSide), difference);
    const views = [
      new AttentionView(leftPlace, this.translation, { rank, languages }),
      new AttentionView(rightPlace, other, { languages: otherLanguages }),
    ];
    const labels = (reading) => reading.rows.map((row) => row.label);
    const pairs = commonWords(labels(left), labels(right));
    this.#markDifferent(views, pairs);
    this.#drawDifference(difference, left, right, pairs);
  }

  #markDifferent(views, pairs) {
    views.forEach((view, side) => {
      const common = new Set(pairs.map((pair) => pair[side]));
      for (const [index, span] of view.target.spans) span.classList.toggle("different", !common.has(index));
    });
  }

  #drawDifference(host, left, right, pairs) {
    const heading = element("h3", {}, "Difference");
    const labels = (reading) => reading.columns.map((column) => column.label).join("\n");
    // Both end, whatever they say.
    const haveWords = pairs.some(([one]) => !left.rows[one].isEnd);
    if (labels(left) !== labels(right) || !haveWords) {
      const reason = haveWords
        ? "The two models cut this sentence into different words, so their weights cannot be subtracted."
        : "The two translations have no word in common.";
      host.replaceChildren(heading, element("p", { class: "hint" }, reason));
      return;
    }
    const weights = pairs.map(([one, other]) =>
      left.weights[one].map((weight, column) => weight - right.weights[other][column]),
    );
    const rows = pairs.map(([one]) => left.rows[one]);
    const ofWords = weights.filter((_, index) => !rows[index].isEnd);
    const distance =
      ofWords.reduce((sum, row) => sum + row.reduce((part, each) => part + Math.abs(each), 0) / 2, 0) /
      ofWords.length;
    if (Math.max(...weights.flat().map(Math.abs)) < SMALLEST_DIFFERENCE) {
      host.replaceChildren(
        heading,
        element(
          "p",
          { class: "hint" },
          "None: for the words that both wrote, both looked at the same places.",
        ),
      );
      return;
    }
    const place = element("div");
    const meaning =
      `Words that both wrote. Blue: the left one looked more; orange: the right one. On average ${Math.round(100 * distance)}\u00a0% ` +
      "of a word's attention lies elsewhere.";
    host.replaceChildren(heading, element("p", { class: "hint" }, meaning), place);
    const map = new HeatMap(place, {
      rows,
      columns: left.columns,
      languages: left.languages,
      rightToLeft: left.rightToLeft,
      weights,
      label: "Difference of attention",
      colors: (value) => differenceColors(value, LARGEST_DIFFERENCE),
      number: (value) =>
        Math.abs(value) >= 0.05 ? `${value > 0 ? "+" : "−"}${Math.round(100 * Math.abs(value))}` : "",
      describe: (row, column, value) => {
        const points = Math.round(100 * Math.abs(value));
        return `${row.label} at ${column.label}: ${points ? `${points} points ${value > 0 ? "more on the left" : "more on the right"}` : "equal"}`;
      },
    });
    place.addEventListener("cell-hover", ({ detail: { row, column } }) => map.mark(row, column));
    map.mark(null, null);
  }
}
