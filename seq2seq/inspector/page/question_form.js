/** What is asked: the sentence, the model and the search; its values are those of the state, and go into it. */

import { element } from "./dom.js";
import { languagesOf, modelNamed } from "./models.js";
import { codePoints } from "./units.js";

const WAIT_FOR_SLIDER_MILLISECONDS = 120;
const ADVICE = "Translate it sentence by sentence.";
/** The fields of the search, what the state calls them, and what /api/models does. */
const SEARCH_FIELDS = [
  ["beam-size", "beamSize", "beam_size"],
  ["n-best", "nBest", "n_best"],
  ["length-penalty", "lengthPenalty", "length_penalty"],
];
const byId = (id) => document.getElementById(id);

/** "English" for "en"; a name that is no code stays as it is. */
function languageName(language) {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(language) ?? language;
  } catch {
    return language;
  }
}

export class QuestionForm {
  /**
   * @param {object[]} models as /api/models lists them
   * @param {object} limits of the server
   * @param {(changes: object) => void} onAsk
   */
  constructor(models, limits, onAsk) {
    Object.assign(this, { models, limits, onAsk });
    this.form = byId("question");
    this.sentence = byId("sentence");
    byId("model").replaceChildren(...models.map(({ name }) => element("option", { value: name }, name)));
    byId("beam-size").max = limits.beam_size;
    byId("n-best").max = Math.min(limits.n_best, limits.beam_size);
    this.#listen();
    // What is typed before the models are known would be lost when the page fills the form from its address.
    byId("question-fields").disabled = false;
  }

  #listen() {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.form.noValidate = true; // what is wrong is said beside the button, in the page's own words
    this.sentence.addEventListener("keydown", (event) => {
      // In Safari a composition has ended before the Enter that ends it: its key code alone tells.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.submit();
    });
    this.sentence.addEventListener("input", () => this.#grow());
    window.addEventListener("resize", () => this.#grow()); // a telephone that is turned
    byId("model").addEventListener("change", () => {
      this.#followDefaults(this.shown, this.model);
      this.#showModel(this.model, null);
      if (this.sentence.value.trim()) this.submit();
    });
    for (const [id] of SEARCH_FIELDS) {
      byId(id).addEventListener("change", () => this.sentence.value.trim() && this.submit());
    }
    let waiting;
    byId("checkpoint").addEventListener("input", () => {
      this.#nameCheckpoint();
      clearTimeout(waiting);
      waiting = setTimeout(() => this.sentence.value.trim() && this.submit(), WAIT_FOR_SLIDER_MILLISECONDS);
    });
  }

  get model() {
    return modelNamed(this.models, byId("model").value);
  }

  /** The kept epoch that the slider stands at; null is the best weights, its right end. */
  get checkpoint() {
    return this.model.checkpoints[Number(byId("checkpoint").value)]?.epoch ?? null;
  }

  #grow() {
    this.sentence.style.height = "auto";
    this.sentence.style.height = `${this.sentence.scrollHeight + 2}px`;
  }

  /** Where the search is what the one model's run says, it becomes what the other's says. */
  #followDefaults(before, now) {
    for (const [id, , name] of SEARCH_FIELDS) {
      if (Number(byId(id).value) === before.search[name]) byId(id).value = now.search[name];
    }
  }

  #showModel(model, checkpoint) {
    this.shown = model;
    byId("model").value = model.name;
    byId("languages").textContent =
      `${languageName(model.source_language)} → ${languageName(model.target_language)}`;
    this.sentence.lang = languagesOf(model).source;
    byId("checkpoints").hidden = model.checkpoints.length === 0;
    const slider = byId("checkpoint");
    slider.max = model.checkpoints.length;
    const place = model.checkpoints.findIndex(({ epoch }) => epoch === checkpoint);
    slider.value = place < 0 ? model.checkpoints.length : place;
    this.#nameCheckpoint();
  }

  #nameCheckpoint() {
    const kept = this.model.checkpoints.find(({ epoch }) => epoch === this.checkpoint);
    const score = Number.isFinite(kept?.validation_score) ? ` · ${kept.validation_score.toFixed(1)}` : "";
    const name = kept ? `epoch ${kept.epoch}${score}` : "best weights";
    byId("checkpoint-name").textContent = name;
    byId("checkpoint").setAttribute("aria-valuetext", name);
  }

  /** Fills the form from a state. */
  show(state) {
    const model = modelNamed(this.models, state.model);
    this.sentence.value = state.sentence;
    this.#showModel(model, state.checkpoint);
    for (const [id, inState, inModel] of SEARCH_FIELDS) {
      byId(id).value = state[inState] ?? model.search[inModel];
      byId(id).removeAttribute("aria-invalid");
    }
    this.#grow();
  }

  /** Says what is wrong, or nothing. */
  complain(message = "") {
    const place = byId("question-problem");
    place.textContent = message;
    place.hidden = !message;
    if (message) place.scrollIntoView({ block: "nearest" }); // what was pressed may be far below
  }

  /** Why a sentence is too long for the server, counted as it counts; "" when it is not. */
  tooLong(sentence) {
    const [length, most] = [codePoints(sentence).length, this.limits.characters];
    if (length <= most) return "";
    return `The sentence has ${length} characters; at most ${most} are allowed. ${ADVICE}`;
  }

  #number(id, name, whole) {
    const input = byId(id);
    const value = Number(input.value);
    const [low, high] = [Number(input.min), Number(input.max)];
    const good = input.value !== "" && value >= low && value <= high && (!whole || Number.isInteger(value));
    input.setAttribute("aria-invalid", String(!good));
    if (good) return value;
    throw new RangeError(`${name} must be a ${whole ? "whole " : ""}number from ${low} to ${high}.`);
  }

  /** Reads the form and asks; complains when something is missing. */
  submit() {
    this.complain();
    const sentence = this.sentence.value.replace(/\s*\n\s*/g, " ");
    if (!sentence.trim()) {
      this.complain("Type a sentence first.");
      this.sentence.focus();
      return;
    }
    try {
      if (this.tooLong(sentence)) throw new RangeError(this.tooLong(sentence));
      const beamSize = this.#number("beam-size", "The beam size", true);
      const nBest = this.#number("n-best", "The number of translations", true);
      const lengthPenalty = this.#number("length-penalty", "The length penalty", false);
      if (nBest > beamSize)
        throw new RangeError(`A beam of ${beamSize} finds at most ${beamSize} translations. Make it larger.`);
      this.onAsk({
        sentence,
        model: this.model.name,
        checkpoint: this.checkpoint,
        beamSize,
        nBest,
        lengthPenalty,
      });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.complain(error.message);
    }
  }
}
