import { AttentionView } from "../../inspector/page/attention_view.js";
import { drawWhenVisible, element } from "../../inspector/page/dom.js";
import { codePoints, isRightToLeft } from "../../inspector/page/units.js";
import { unpackedTranslation } from "./packed_sentence.js";
import { MEASURES, folded } from "./sentence_selection.js";
import { signName } from "./signs.js";
import { thumbnail } from "./thumbnail.js";

/** A text with some of its words marked. `marks` has a class name by word number. */
function markedText(segmentation, words, marks) {
  const characters = codePoints(segmentation.text);
  const parts = [];
  let written = 0;
  words.forEach(([start, end], number) => {
    if (!marks.has(number)) return;
    parts.push(characters.slice(written, start).join(""));
    parts.push(element("mark", { class: marks.get(number) }, characters.slice(start, end).join("")));
    written = end;
  });
  return [...parts, characters.slice(written).join("")];
}

/** The words to mark on one side: those a sign is about, and those that were asked for. */
function marksOf(side, sentence, words, wanted) {
  const marks = new Map();
  for (const sign of sentence.signs) for (const number of sign[`${side}_words`]) marks.set(number, "doubtful");
  words.forEach((word, number) => wanted && folded(word) === folded(wanted) && marks.set(number, "wanted"));
  return marks;
}

function line(kind, label, language, ...content) {
  const text = element("span", { class: "text", dir: "auto", lang: language }, ...content);
  return element("p", { class: kind }, element("span", { class: "side" }, label), text);
}

function measures(sentence, sort) {
  const list = element("dl", { class: "measures" });
  for (const { key, label, digits, of } of MEASURES) {
    const value = of(sentence);
    const shown = value === null ? "–" : value.toFixed(digits);
    list.append(element("div", { class: key === sort ? "sorted" : null }, element("dt", {}, label), element("dd", {}, shown)));
  }
  return list;
}

/** Words or pieces, and the heat map of the one that is chosen. */
function attention(host, translation) {
  const view = element("div");
  let current = null;
  const draw = (level) => {
    current?.destroy();
    current = new AttentionView(view, translation, { level });
  };
  const choice = element("div", { class: "levels", role: "group", "aria-label": "Rows and columns" });
  for (const level of ["words", "pieces"]) {
    const button = element("button", { type: "button", "aria-pressed": String(level === "words") }, level);
    button.addEventListener("click", () => {
      for (const each of choice.children) each.setAttribute("aria-pressed", String(each === button));
      draw(level);
    });
    choice.append(button);
  }
  host.append(choice, view);
  draw("words");
}

function details(sentence, translation) {
  const body = element("div", { class: "opened" });
  if (translation.hypotheses.length) {
    const place = element("div", { class: "attention-place" });
    drawWhenVisible(place, () => {
      place.classList.add("drawn");
      attention(place, translation);
    });
    body.append(place);
  }
  const messages = sentence.signs.map((sign) => element("li", {}, sign.message));
  if (sentence.note) messages.unshift(element("li", {}, `Note: ${sentence.note}.`));
  if (messages.length) body.append(element("ul", { class: "messages", dir: "auto" }, ...messages));
  return body;
}

/**
 * One sentence: its texts and numbers, and behind a click its attention.
 *
 * @param {object} sentence packed
 * @param {number} number from 0
 * @param {{languages: {source: string|null, target: string|null}, sort: string, wanted: object|null, open: boolean}}
 *     context `wanted` may have a `source` and a `target` word to mark; `open`: with its attention at once
 */
export function sentenceRow(sentence, number, { languages, sort, wanted, open }) {
  let unpacked = null;
  const translation = () => (unpacked ??= unpackedTranslation(sentence));
  const { source, hypotheses } = translation();
  const [hypothesis] = hypotheses;
  const sourceMarks = marksOf("source", sentence, source.words, wanted?.source);
  const texts = element("div", { class: "texts" });
  texts.append(line("source", "Source", languages.source, ...markedText(source, source.word_offsets, sourceMarks)));
  const targetText = hypothesis
    ? markedText(hypothesis, hypothesis.word_offsets, marksOf("target", sentence, hypothesis.words, wanted?.target))
    : ["(nothing)"];
  texts.append(line("translation", "Translation", languages.target, ...targetText));
  for (const reference of sentence.references) texts.append(line("reference", "Reference", languages.target, reference));
  const kinds = [...new Set(sentence.signs.map((sign) => sign.kind))];
  if (kinds.length) texts.append(element("p", { class: "signs" }, ...kinds.map((kind) => element("span", {}, signName(kind)))));
  const frame = element("div", { class: "frame" });
  if (hypothesis) drawWhenVisible(frame, () => frame.replaceChildren(thumbnail(hypothesis.word_attention, isRightToLeft(source.text))));
  const heading = element("span", { class: "number" }, String(number + 1));
  const summary = element("summary", {}, heading, frame, texts, measures(sentence, sort));
  const row = element("details", { class: "sentence", id: `sentence-${number + 1}`, open }, summary);
  row.addEventListener("toggle", () => {
    row.querySelector(":scope > .opened")?.remove();
    if (row.open) row.append(details(sentence, translation()));
  });
  return row;
}
