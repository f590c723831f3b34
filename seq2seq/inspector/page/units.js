/** The words or pieces of a translation: their places in the text, their weights, their probabilities. */

/** How the end of a sentence is written wherever rows and columns are labelled. */
export const END_LABEL = "</s>";

/** The characters of a text, so that index i is what Python's `text[i]` is. */
export function codePoints(text) {
  return Array.from(text);
}

/** "83 %", "4.2 %", "< 0.1 %": few digits, but never a 0 or a 100 that is not one. */
export function percent(share) {
  if (share === null || !Number.isFinite(share)) return "–";
  if (share > 0 && share < 0.001) return "< 0.1\u00a0%";
  if (share < 1 && share >= 0.9995) return "> 99.9\u00a0%";
  const digits = share > 0 && (share < 0.0995 || share >= 0.995) && share < 1 ? 1 : 0;
  return `${(100 * share).toFixed(digits)}\u00a0%`;
}

/** Whether the first letter of a text belongs to a script that is written from right to left. */
export function isRightToLeft(text) {
  const letter = /\p{L}/u.exec(text);
  const rightToLeft = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
  return letter !== null && rightToLeft.test(letter[0]);
}

/**
 * The rows or columns of one side.
 *
 * @param {object} segmentation text, words, pieces and their offsets, as `to_json` writes them
 * @param {"words"|"pieces"} level
 * @param {boolean} withEnd whether the end of the sentence has a row or column
 * @returns {{label: string, start: number, end: number, isEnd: boolean}[]}
 */
export function unitsOf(segmentation, level, withEnd) {
  const labels = level === "words" ? segmentation.words : segmentation.pieces;
  const offsets = level === "words" ? segmentation.word_offsets : segmentation.piece_offsets;
  const units = labels.map((label, index) => {
    const [start, end] = offsets[index];
    return { label, start, end, isEnd: false };
  });
  if (withEnd) {
    const length = codePoints(segmentation.text).length;
    units.push({ label: END_LABEL, start: length, end: length, isEnd: true });
  }
  return units;
}

/** A word is as probable as all its pieces together. One number for each unit of `unitsOf(hypothesis, level, …)`. */
export function unitProbabilities(hypothesis, level) {
  const byToken = hypothesis.token_probabilities;
  if (level === "pieces") return byToken;
  const byWord = hypothesis.words.map(() => 1);
  hypothesis.piece_to_word.forEach((word, piece) => (byWord[word] *= byToken[piece]));
  return hypothesis.finished ? [...byWord, byToken[byToken.length - 1]] : byWord;
}

/** Where nobody says which languages they are, and the texts count as written in the page's own. */
const NO_LANGUAGES = Object.freeze({ source: null, target: null });

/**
 * Everything a view needs to know about one hypothesis at one level.
 *
 * @param {object} translation the JSON of one `Translation`; a hypothesis whose `attention` is "posterior" has weights
 *     of that kind (see posterior.js)
 * @param {number} rank which hypothesis, from 0
 * @param {"words"|"pieces"} level
 * @param {{source: string|null, target: string|null}} [languages] for `lang` attributes
 */
export function readingOf(translation, rank, level, languages = NO_LANGUAGES) {
  const hypothesis = translation.hypotheses[rank];
  return {
    translation,
    hypothesis,
    level,
    languages,
    rightToLeft: isRightToLeft(translation.source.text), // the columns run as the source does
    columns: unitsOf(translation.source, level, true),
    rows: unitsOf(hypothesis, level, hypothesis.finished),
    weights: level === "words" ? hypothesis.word_attention : hypothesis.attention_weights,
    probabilities: unitProbabilities(hypothesis, level),
    wording: WORDINGS[hypothesis.attention ?? "prior"],
  };
}

/** The weights that are shown: with a threshold, a link is all or nothing. */
export function shownWeights(weights, threshold) {
  if (threshold === null) return weights;
  return weights.map((row) => row.map((weight) => (weight >= threshold ? weight : 0)));
}

/** How weights are put into words: attention looks before the word is known, the posterior knows the word. */
export const WORDINGS = Object.freeze({
  prior: { verb: "looked", preposition: "at", backwards: "was read for", share: "read", shareOf: "for" },
  posterior: {
    verb: "came",
    preposition: "from",
    backwards: "was the source of",
    share: "the source of",
    shareOf: "of",
  },
});

/** "looked 83 % at not". */
function weightInWords({ verb, preposition }, weight, column) {
  return `${verb} ${percent(weight)} ${preposition} ${column.label}`;
}

/** Makes "nicht looked 83 % at not" of a row, a column and a weight. */
export function weightDescriber(wording) {
  return (row, column, weight) => `${row.label} ${weightInWords(wording, weight, column)}`;
}

/** "nicht and not: not linked, 83 %". */
export function describeLink(row, column, weight, isLinked) {
  return `${row.label} and ${column.label}: ${isLinked ? "linked" : "not linked"}, ${percent(weight)}`;
}

/** What words and pieces are called where they cannot be seen: "nicht, probability 45 %, looked 83 % at not". */
export function unitNames({ rows, columns, weights, probabilities, wording }) {
  const strongest = (values) =>
    values.reduce((best, value, index) => (value > values[best] ? index : best), 0);
  const target = (row, index) => {
    const column = strongest(weights[index]);
    const came = weightInWords(wording, weights[index][column], columns[column]);
    return `${row.label}, probability ${percent(probabilities[index])}, ${came}`;
  };
  const source = (column, index) => {
    const row = strongest(weights.map((each) => each[index]));
    const { share, shareOf } = wording;
    return `${column.label}, ${share} ${percent(weights[row][index])} ${shareOf} ${rows[row].label}`;
  };
  return { source, target };
}

/** Pieces without the end of the sentence behind them. */
export function withoutEnd(pieces) {
  return pieces.at(-1) === END_LABEL ? pieces.slice(0, -1) : pieces;
}

const BYTE_PIECE = /^<0x([0-9A-F]{2})>$/;
const ENCODER = new TextEncoder();

/** In UTF-8; what a vocabulary has no piece for, it writes byte by byte. */
function bytesOfPiece(piece) {
  const byte = BYTE_PIECE.exec(piece);
  return byte ? [Number.parseInt(byte[1], 16)] : [...ENCODER.encode(piece)];
}

/** The text that pieces make. */
export function textOfPieces(pieces) {
  const bytes = withoutEnd(pieces).flatMap(bytesOfPiece);
  return new TextDecoder().decode(Uint8Array.from(bytes)).replaceAll("▁", " ").trim();
}

/** How a piece of the server's answers is shown by itself: "…" where it continues a word. */
export function pieceLabel({ piece, text, starts_word: startsWord }, isFirst) {
  if (piece === "▁") return "(a space)";
  const shown = text || piece;
  return startsWord || isFirst || /^\p{P}+$/u.test(shown) ? shown : `…${shown}`;
}
