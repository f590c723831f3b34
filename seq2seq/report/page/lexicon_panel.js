import { element } from "../../inspector/page/dom.js";
import { growingList } from "./growing_list.js";
import { folded } from "./sentence_selection.js";

const FIRST_TRANSLATIONS = 8;

const ORDERS = {
  count: { label: "most frequent", compare: (one, other) => other.count - one.count },
  ways: {
    label: "most translations",
    compare: (one, other) => other.translations.length - one.translations.length || other.count - one.count,
  },
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
    for (const [value, { label }] of Object.entries(ORDERS)) this.order.append(element("option", { value }, label));
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
    const fits = ({ word }) => folded(word).includes(wanted);
    const matching = this.entries.filter((entry) => fits(entry) || entry.translations.some(fits));
    const found = matching.sort(ORDERS[this.order.value].compare);
    const [shown, all] = [found, this.entries].map((entries) => entries.length.toLocaleString("en"));
    this.status.textContent = `${shown} of ${all} words`;
    this.drawn = growingList(this.list, found, (entry) => this.#entry(entry), { chunk: 100, name: "words" });
  }

  #entry(entry) {
    const translations = element("dd");
    const rest = entry.translations.slice(FIRST_TRANSLATIONS);
    translations.append(...entry.translations.slice(0, FIRST_TRANSLATIONS).map((each) => this.#translation(entry, each)));
    if (rest.length) {
      const more = element("button", { type: "button", class: "rest" }, `and ${rest.length} more`);
      more.addEventListener("click", () => {
        const fresh = rest.map((each) => this.#translation(entry, each));
        more.replaceWith(...fresh);
        fresh[0].focus();
      });
      translations.append(more);
    }
    const word = element("bdi", { lang: this.languages.source }, entry.word);
    const times = element("span", { class: "times" }, `${entry.count}×`);
    return element("div", { class: "entry" }, element("dt", {}, word, times), translations);
  }

  #translation(entry, { word, sentences }) {
    const times = element("span", { class: "times" }, `${sentences.length}×`);
    const label = `${entry.word} → ${word}`;
    const name = element("bdi", { lang: this.languages.target }, word);
    const button = element("button", { type: "button", class: "pair" }, name, times);
    button.style.setProperty("--share", `${(100 * sentences.length) / entry.count}%`);
    button.setAttribute("aria-label", `${label}, ${sentences.length}×: show the sentences`);
    // Each apart, so that words from right to left do not turn the arrow around.
    const { source, target } = this.languages;
    const parts = [element("bdi", { lang: source }, entry.word), " → ", element("bdi", { lang: target }, word)];
    button.addEventListener("click", () => this.onChoose({ parts, sentences, source: entry.word, target: word }));
    return button;
  }
}
