import { element, quotesApart } from "../../inspector/page/dom.js";
import { growingList } from "./growing_list.js";

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
    const name = `Show the sentences with ${entry.word}`;
    const button = element("button", { type: "button", "aria-label": name }, "show");
    const parts = quotesApart(`“${entry.word}” ${verb}`);
    button.addEventListener("click", () => onChoose({ parts, sentences: entry.sentences, [side]: entry.word }));
    const percent = element("span", { class: "figure" }, `${Math.round(100 * entry.share)} %`);
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, word),
      element("td", { class: "count" }, `${entry.sentences.length} of ${entry.count}`),
      element("td", { class: "share" }, bar(Math.min(entry.share, 1)), percent),
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
