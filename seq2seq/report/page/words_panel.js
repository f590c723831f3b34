import { element } from "../../inspector/page/dom.js";
import { growingList } from "./growing_list.js";
import { folded } from "./sentence_selection.js";

const ORDERS = {
  count: (one, other) => other.sentences.length - one.sentences.length || other.share - one.share,
  share: (one, other) => other.share - one.share || other.sentences.length - one.sentences.length,
  letters: (one, other) => one.word.localeCompare(other.word),
};

function bar(share) {
  const whole = element("span", { class: "bar", "aria-hidden": "true" });
  const part = element("span");
  part.style.width = `${100 * share}%`;
  whole.append(part);
  return whole;
}

/**
 * A table of words with which something is wrong, each with a way to its sentences.
 *
 * @param {HTMLElement} host is emptied and filled
 * @param {object[]} entries `word`, `count`, `sentences`
 * @param {{verb: string, side: "source"|"target", language: string|null, empty: string,
 *     onChoose: (words: object) => void}} options `verb`: what happened to the words
 */
export function wordTable(host, entries, { verb, side, language, empty, onChoose }) {
  if (!entries.length) {
    host.replaceChildren(element("p", { class: "empty" }, empty));
    return;
  }
  const rows = entries.map((entry) => ({ ...entry, share: entry.sentences.length / entry.count }));
  const body = element("tbody");
  const heads = { letters: "word", count: verb, share: "share" };
  const buttons = Object.entries(heads).map(([order, label]) => {
    const button = element("button", { type: "button" }, label);
    button.addEventListener("click", () => draw(order));
    return [order, button];
  });
  const head = buttons.map(([order, button]) => element("th", { scope: "col", class: order }, button));
  const show = element("th", { scope: "col", class: "go" }, element("span", { class: "unseen" }, "sentences"));
  const table = element("table", { class: "words" }, element("thead", {}, element("tr", {}, ...head, show)), body);
  let list = null;
  const drawRow = (entry) => {
    const word = element("bdi", { lang: language }, entry.word);
    const button = element("button", { type: "button", "aria-label": `Show the sentences with ${entry.word}` }, "show");
    const label = `“${entry.word}” ${verb}`;
    button.addEventListener("click", () => onChoose({ label, sentences: entry.sentences, [side]: entry.word }));
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, word),
      element("td", { class: "count" }, `${entry.sentences.length} of ${entry.count}`),
      element("td", { class: "share" }, bar(Math.min(entry.share, 1)), element("span", { class: "figure" }, `${Math.round(100 * entry.share)} %`)),
      element("td", { class: "go" }, button),
    );
  };
  function draw(order) {
    list?.stop();
    for (const [name, button] of buttons) {
      const direction = name === "letters" ? "ascending" : "descending";
      button.parentElement.setAttribute("aria-sort", name === order ? direction : "none");
    }
    list = growingList(body, [...rows].sort(ORDERS[order]), drawRow, { chunk: 100, name: "words", before: table });
  }
  host.replaceChildren(element("div", {}, table));
  draw("count");
}

const FIRST_TRANSLATIONS = 8;

const LEXICON_ORDERS = {
  count: { label: "most frequent", compare: (one, other) => other.count - one.count },
  ways: { label: "most translations", compare: (one, other) => other.translations.length - one.translations.length || other.count - one.count },
  letters: { label: "A to Z", compare: (one, other) => one.word.localeCompare(other.word) },
};

/** The dictionary that attention made, with a way from each pair to its sentences. */
export class LexiconPanel {
  /**
   * @param {HTMLElement} host is emptied and filled
   * @param {{source: string|null, target: string|null}} languages
   * @param {(words: object) => void} onChoose
   */
  constructor(host, languages, onChoose) {
    Object.assign(this, { languages, onChoose, entries: [] });
    this.search = element("input", { type: "search", placeholder: "a word of either language", dir: "auto" });
    this.search.addEventListener("input", () => this.#draw());
    this.order = element("select");
    for (const [value, { label }] of Object.entries(LEXICON_ORDERS)) this.order.append(element("option", { value }, label));
    this.order.addEventListener("change", () => this.#draw());
    this.status = element("p", { class: "status", role: "status" });
    this.list = element("dl", { class: "lexicon" });
    const controls = element(
      "form",
      { class: "controls", "aria-label": "Sort and filter the lexicon" },
      element("label", {}, element("span", {}, "Find"), this.search),
      element("label", {}, element("span", {}, "Sort by"), this.order),
    );
    controls.addEventListener("submit", (event) => event.preventDefault());
    host.replaceChildren(controls, this.status, element("div", {}, this.list));
  }

  show(entries) {
    this.entries = entries;
    this.search.value = "";
    this.#draw();
  }

  #draw() {
    this.drawn?.stop();
    const wanted = folded(this.search.value.trim());
    const fits = ({ word, translations }) => [word, ...translations.map((each) => each.word)].some((each) => folded(each).includes(wanted));
    const found = this.entries.filter(fits).sort(LEXICON_ORDERS[this.order.value].compare);
    this.status.textContent = `${found.length.toLocaleString("en")} of ${this.entries.length.toLocaleString("en")} words`;
    this.drawn = growingList(this.list, found, (entry) => this.#entry(entry), { chunk: 100, name: "words" });
  }

  #entry(entry) {
    const translations = element("dd");
    const rest = entry.translations.slice(FIRST_TRANSLATIONS);
    translations.append(...entry.translations.slice(0, FIRST_TRANSLATIONS).map((each) => this.#translation(entry, each)));
    if (rest.length) {
      const more = element("button", { type: "button", class: "rest" }, `and ${rest.length} more`);
      more.addEventListener("click", () => more.replaceWith(...rest.map((each) => this.#translation(entry, each))));
      translations.append(more);
    }
    const word = element("bdi", { lang: this.languages.source }, entry.word);
    return element("div", { class: "entry" }, element("dt", {}, word, element("span", { class: "times" }, `${entry.count}×`)), translations);
  }

  #translation(entry, { word, sentences }) {
    const times = element("span", { class: "times" }, `${sentences.length}×`);
    const label = `${entry.word} → ${word}`;
    const button = element("button", { type: "button", class: "pair" }, element("bdi", { lang: this.languages.target }, word), times);
    button.style.setProperty("--share", `${(100 * sentences.length) / entry.count}%`);
    button.setAttribute("aria-label", `${label}, ${sentences.length}×: show the sentences`);
    button.addEventListener("click", () => this.onChoose({ label, sentences, source: entry.word, target: word }));
    return button;
  }
}
