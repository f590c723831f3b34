import { element, isShortcut } from "../../inspector/page/dom.js";
import { signName } from "../../inspector/page/sign_names.js";
import { growingList } from "./growing_list.js";
import { sentenceRow } from "./sentence_row.js";
import { CORPUS_ORDER, MEASURES, chosen, everything } from "./sentence_selection.js";
import { signCounts } from "./signs.js";

const TYPING_PAUSE = 120; // milliseconds
const WORST = 20;
const LENGTHS = [10, 20, 50, 100];

/** The list of sentences with everything that sorts and filters it. */
export class SentencesPanel {
  /**
   * @param {HTMLElement} host is emptied and filled
   * @param {{source: string|null, target: string|null}} languages
   */
  constructor(host, languages) {
    this.host = host;
    this.languages = languages;
    this.sentences = [];
    this.state = everything();
    this.list = element("div", { class: "sentences" });
    this.status = element("p", { class: "status", role: "status" });
    this.chip = element("p", { class: "chip", hidden: true });
    host.replaceChildren(this.#controls(), this.chip, this.status, element("div", {}, this.list));
    host.addEventListener("keydown", (event) => this.#step(event));
  }

  /** Shows another set, from its beginning. */
  show(sentences) {
    this.sentences = sentences;
    const kinds = signCounts(sentences).map(([kind, count]) =>
      element("option", { value: kind }, `${signName(kind)} (${count.toLocaleString("en")})`),
    );
    const any = sentences.filter((sentence) => sentence.signs.length).length.toLocaleString("en");
    this.sign.replaceChildren(
      element("option", { value: "" }, "any or none"),
      element("option", { value: "*" }, `any warning sign (${any})`),
      ...kinds,
    );
    this.#reset();
  }

  /**
   * Shows only some sentences, with words marked in them.
   *
   * @param {{parts: (Node|string)[], sentences: number[], source?: string, target?: string}} words
   */
  only(words) {
    this.state = { ...everything(), words };
    this.#writeControls();
    this.#draw();
    this.host.querySelector(".chip button").focus();
  }

  #reset() {
    this.state = everything();
    this.#writeControls();
    this.#draw();
  }

  #controls() {
    const labelled = (label, control) => element("label", {}, element("span", {}, label), control);
    this.search = element("input", { type: "search", placeholder: "any text", dir: "auto" });
    let waiting = 0;
    this.search.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => this.#change({ text: this.search.value }), TYPING_PAUSE);
    });
    const options = MEASURES.map(({ key, label }) => element("option", { value: key }, label));
    this.sort = element("select", {}, element("option", { value: CORPUS_ORDER }, "Order of the set"), ...options);
    this.sort.addEventListener("change", () => {
      const measure = MEASURES.find(({ key }) => key === this.sort.value);
      this.#change({ sort: this.sort.value, descending: measure?.worst === "highest" });
    });
    this.direction = element("button", { type: "button", class: "direction" });
    this.direction.addEventListener("click", () => this.#change({ descending: !this.state.descending }));
    this.sign = element("select");
    this.sign.addEventListener("change", () => this.#change({ sign: this.sign.value }));
    this.most = element("select", {}, element("option", { value: "Infinity" }, "all"));
    this.most.append(...LENGTHS.map((count) => element("option", { value: count }, `the first ${count}`)));
    this.most.addEventListener("change", () => this.#change({ most: Number(this.most.value) }));
    const worst = element("button", { type: "button", class: "worst" }, `Worst ${WORST}`);
    worst.addEventListener("click", () => this.#triage());
    this.opening = element("button", { type: "button", class: "opening", "aria-pressed": "false" }, "Open all");
    this.opening.addEventListener("click", () => this.#change({ open: !this.state.open }));
    const reset = element("button", { type: "button", class: "reset" }, "Show everything");
    reset.addEventListener("click", () => this.#reset());
    const sorting = element("span", { class: "sorting" }, this.sort, this.direction);
    return element(
      "form",
      { class: "controls", "aria-label": "Sort and filter" },
      labelled("Find", this.search),
      labelled("Sort by", sorting),
      labelled("Warning sign", this.sign),
      labelled("Show", this.most),
      element("span", { class: "buttons" }, worst, this.opening, reset),
      this.#rangeControls(),
    );
  }

  #rangeControls() {
    this.ranges = new Map();
    const rows = MEASURES.map(({ key, label, digits }) => {
      const step = 10 ** -digits;
      const [least, most] = ["least", "most"].map((end) =>
        element("input", { type: "number", step, inputmode: "decimal", "aria-label": `${label}: at ${end}` }),
      );
      const read = () => this.#change({ ranges: this.#readRanges() });
      for (const input of [least, most]) input.addEventListener("input", read);
      this.ranges.set(key, { least, most });
      return element("span", { class: "range" }, element("span", { class: "name" }, label), least, "to", most);
    });
    return element("details", { class: "ranges" }, element("summary", {}, "Limits"), ...rows);
  }

  #readRanges() {
    const number = (input) => (Number.isNaN(input.valueAsNumber) ? null : input.valueAsNumber);
    return Object.fromEntries(
      [...this.ranges].map(([key, { least, most }]) => [key, { least: number(least), most: number(most) }]),
    );
  }

  /** The worst sentences by what is sorted by, the first of them opened. */
  #triage() {
    const measure = MEASURES.find(({ key }) => key === this.state.sort) ?? MEASURES[0];
    this.#change({ sort: measure.key, descending: measure.worst === "highest", most: WORST });
    this.#go(this.list.querySelector("details"), true);
  }

  #change(changes) {
    this.state = { ...this.state, ...changes };
    this.#writeControls();
    this.#draw();
  }

  #writeControls() {
    const { text, sort, descending, sign, most, ranges, words } = this.state;
    if (this.search.value !== text) this.search.value = text;
    this.sort.value = sort;
    this.sign.value = sign;
    this.most.value = String(most);
    const ends = sort === CORPUS_ORDER ? ["from the first", "from the last"] : ["lowest first", "highest first"];
    this.direction.textContent = ends[Number(descending)];
    this.opening.setAttribute("aria-pressed", String(this.state.open));
    for (const [key, { least, most: highest }] of this.ranges) {
      if (!ranges[key]) least.value = highest.value = "";
    }
    this.chip.hidden = !words;
    if (words) {
      const drop = element("button", { type: "button", "aria-label": "Show all sentences again" }, "×");
      drop.addEventListener("click", () => {
        this.#change({ words: null });
        this.search.focus(); // the button is gone
      });
      this.chip.replaceChildren(element("span", {}, ...words.parts), drop);
    }
  }

  #draw() {
    this.drawn?.stop();
    const numbers = chosen(this.sentences, this.state);
    const [shown, all] = [numbers.length, this.sentences.length].map((count) => count.toLocaleString("en"));
    this.status.textContent = shown === all ? `${all} sentences` : `${shown} of ${all} sentences`;
    const context = { languages: this.languages, sort: this.state.sort, wanted: this.state.words, open: this.state.open };
    this.drawn = growingList(this.list, numbers, (number) => sentenceRow(this.sentences[number], number, context));
  }

  /** j and k go from sentence to sentence; an opened one closes, and the next opens in its place. */
  #step(event) {
    if (!["j", "k"].includes(event.key) || isShortcut(event)) return;
    if (event.target.matches("input, select, textarea")) return;
    const current = event.target.closest("details.sentence");
    const next = event.key === "j" ? current?.nextElementSibling : current?.previousElementSibling;
    const target = current ? next : this.list.querySelector("details");
    if (!target?.matches("details.sentence")) return;
    event.preventDefault();
    const wasOpen = current?.open ?? false;
    if (current) current.open = false;
    this.#go(target, wasOpen);
  }

  #go(row, open) {
    if (!row) return;
    if (open) row.open = true;
    const summary = row.querySelector("summary");
    summary.focus({ preventScroll: true });
    // What opens below it is drawn later, and needs the room.
    summary.scrollIntoView({ block: row.open ? "start" : "nearest" });
  }
}
