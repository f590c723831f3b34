import { AttentionView } from "../../inspector/page/attention_view.js";
import { drawWhenVisible, element, quotesApart } from "../../inspector/page/dom.js";
import { signName } from "../../inspector/page/sign_names.js";
import { codePoints, isRightToLeft } from "../../inspector/page/units.js";
import { unpackedTranslation } from "./packed_sentence.js";
import { MEASURES, folded } from "./sentence_selection.js";
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
    const [name, number] = [element("dt", {}, label), element("dd", {}, shown)];
    list.append(element("div", { class: key === sort ? "sorted" : null }, name, number));
  }
  return list;
}

/** Words or pieces, and the heat map of the one that is chosen. */
function attention(host, translation, languages) {
  const view = element("div");
  let current = null;
  const draw = (level) => {
    current?.destroy();
    current = new AttentionView(view, translation, { level, languages });
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

function details(sentence, translation, languages) {
  const body = element("div", { class: "opened" });
  if (translation.hypotheses.length) {
    const place = element("div", { class: "attention-place" });
    drawWhenVisible(place, () => {
      place.classList.add("drawn");
      attention(place, translation, languages);
    });
    body.append(place);
  }
  const messages = sentence.signs.map((sign) => element("li", {}, ...quotesApart(sign.message)));
  if (sentence.note) messages.unshift(element("li", {}, `Note: ${sentence.note}.`));
  if (messages.length) body.append(element("ul", { class: "messages" }, ...messages));
  return body;
}

/** Source, translation, references and the names of the warning signs. */
function texts(sentence, { source, hypotheses }, { languages, wanted }) {
  const [hypothesis] = hypotheses;
  const host = element("div", { class: "texts" });
  const sourceMarks = marksOf("source", sentence, source.words, wanted?.source);
  host.append(line("source", "Source", languages.source, ...markedText(source, source.word_offsets, sourceMarks)));
  const targetMarks = hypothesis && marksOf("target", sentence, hypothesis.words, wanted?.target);
  const target = hypothesis?.text ? markedText(hypothesis, hypothesis.word_offsets, targetMarks) : ["(nothing)"];
  host.append(line("translation", "Translation", languages.target, ...target));
  for (const reference of sentence.references) host.append(line("reference", "Reference", languages.target, reference));
  const kinds = [...new Set(sentence.signs.map((sign) => sign.kind))];
  const names = kinds.map((kind) => element("span", {}, signName(kind)));
  if (names.length) host.append(element("p", { class: "signs" }, ...names));
  return host;
}

/**
 * One sentence: its texts and numbers, and behind a click its attention.
 *
 * @param {object} sentence packed
 * @param {number} number from 0
 * @param {{languages: {source: string|null, target: string|null}, sort: string, wanted: object|null, open: boolean}}
 *     context `wanted` may have a `source` and a `target` word to mark; `open`: with its attention at once
 */
export function sentenceRow(sentence, number, context) {
  const translation = unpackedTranslation(sentence);
  const [hypothesis] = translation.hypotheses;
  const frame = element("div", { class: "frame" });
  const mirrored = isRightToLeft(translation.source.text);
  if (hypothesis) {
    drawWhenVisible(frame, () => frame.replaceChildren(thumbnail(hypothesis.word_attention, mirrored)));
  }
  const heading = element("span", { class: "number" }, String(number + 1));
  const parts = [heading, frame, texts(sentence, translation, context), measures(sentence, context.sort)];
  const attributes = { class: "sentence", id: `sentence-${number + 1}`, open: context.open };
  const row = element("details", attributes, element("summary", {}, ...parts));
  row.addEventListener("toggle", () => {
    row.querySelector(":scope > .opened")?.remove();
    if (row.open) row.append(details(sentence, translation, context.languages));
  });
  return row;
}
