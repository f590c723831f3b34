/** Which sentences are shown, and in which order. Nothing here touches the page. */

/** What can be sorted and filtered by. `worst` says at which end the sentences to look at are. */
export const MEASURES = [
  { key: "chrf", label: "chrF", digits: 1, worst: "lowest", of: (sentence) => sentence.chrf },
  { key: "bleu", label: "BLEU", digits: 1, worst: "lowest", of: (sentence) => sentence.bleu },
  { key: "confidence", label: "Confidence", digits: 2, worst: "lowest", of: (sentence) => sentence.confidence },
  { key: "coverage", label: "Coverage", digits: 2, worst: "lowest", of: (sentence) => sentence.target?.coverage ?? null },
  { key: "length", label: "Source words", digits: 0, worst: "highest", of: (sentence) => sentence.source_words },
];

export const CORPUS_ORDER = "index";

/** What a newly opened report shows; `open`: every sentence with its heat map. */
export function everything() {
  const filters = { text: "", sign: "", ranges: {}, words: null };
  return { ...filters, sort: CORPUS_ORDER, descending: false, most: Infinity, open: false };
}

/** Upper and lower case as one, in the manner of the tables. */
export function folded(text) {
  return text.toLowerCase().replaceAll("ß", "ss").normalize("NFC");
}

/**
 * The numbers of the sentences to show, in order.
 *
 * @param {object[]} sentences of the set
 * @param {object} state as `everything()` makes it. `words` may name `sentences`, the only ones to show; `ranges` has
 *     `{least, most}` by the key of a measure, either of which may be null.
 * @returns {number[]}
 */
export function chosen(sentences, state) {
  const wanted = folded(state.text.trim());
  const only = state.words && new Set(state.words.sentences);
  const numbers = [...sentences.keys()].filter((number) => {
    const sentence = sentences[number];
    if (only && !only.has(number)) return false;
    if (state.sign && !hasSign(sentence, state.sign)) return false;
    if (!MEASURES.every((measure) => isWithin(measure.of(sentence), state.ranges[measure.key]))) return false;
    return !wanted || textsOf(sentence).some((text) => folded(text).includes(wanted));
  });
  return sorted(numbers, sentences, state).slice(0, state.most);
}

function hasSign(sentence, sign) {
  return sign === "*" ? sentence.signs.length > 0 : sentence.signs.some(({ kind }) => kind === sign);
}

function isWithin(value, range) {
  if (!range || (range.least === null && range.most === null)) return true;
  if (value === null) return false;
  return (range.least === null || value >= range.least) && (range.most === null || value <= range.most);
}

function textsOf(sentence) {
  return [sentence.source.text, sentence.target?.text ?? "", ...sentence.references];
}

function sorted(numbers, sentences, { sort, descending }) {
  const measure = MEASURES.find(({ key }) => key === sort);
  const sign = descending ? -1 : 1;
  if (!measure) return descending ? numbers.reverse() : numbers;
  return numbers.sort((one, other) => {
    const [left, right] = [measure.of(sentences[one]), measure.of(sentences[other])];
    // What has no value stands behind everything, in either order.
    if (left === null || right === null) return (left === null) - (right === null) || one - other;
    return sign * (left - right) || one - other;
  });
}
