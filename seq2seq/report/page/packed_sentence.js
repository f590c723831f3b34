/** Reads what seq2seq/report/packed_sentence.py and packed_attention.py wrote. */

import { codePoints } from "../../inspector/page/units.js";

const WHOLE = 255;

/**
 * The weights of one sentence.
 *
 * @param {string} text base64 of a byte for each weight, row after row; a zero is followed by how many they are
 * @param {number} rows target pieces, and the end if finished
 * @param {number} columns source pieces, and the end
 * @returns {number[][]} (rows, columns), from 0 to 1
 */
export function unpackedAttention(text, rows, columns) {
  const bytes = atob(text);
  const flat = new Array(rows * columns).fill(0);
  let written = 0;
  for (let place = 0; place < bytes.length; place += 1) {
    const value = bytes.charCodeAt(place);
    if (value === 0) {
      place += 1;
      written += bytes.charCodeAt(place);
    } else {
      flat[written] = value / WHOLE;
      written += 1;
    }
  }
  return Array.from({ length: rows }, (_, row) => flat.slice(row * columns, (row + 1) * columns));
}

/** (words, and what stands behind them): target pieces averaged, source pieces summed. */
export function wordAttention(weights, sourcePieceToWord, targetPieceToWord) {
  const [rowWords, columnWords] = [
    withRest(targetPieceToWord, weights.length),
    withRest(sourcePieceToWord, weights[0]?.length ?? 0),
  ];
  const [rows, columns] = [wordCount(rowWords), wordCount(columnWords)];
  const pieces = new Array(rows).fill(0);
  const summed = Array.from({ length: rows }, () => new Array(columns).fill(0));
  weights.forEach((row, place) => {
    pieces[rowWords[place]] += 1;
    row.forEach((weight, other) => (summed[rowWords[place]][columnWords[other]] += weight));
  });
  return summed.map((row, place) => row.map((weight) => weight / pieces[place]));
}

/** Positions behind the pieces (the end of the sentence) are words of their own. */
function withRest(pieceToWord, positions) {
  const words = [...pieceToWord];
  while (words.length < positions) words.push(wordCount(words));
  return words;
}

function wordCount(words) {
  return words.length ? words[words.length - 1] + 1 : 0;
}

function unpackedSegmentation(packed) {
  const pairs = (flat) => Array.from({ length: flat.length / 2 }, (_, place) => [flat[2 * place], flat[2 * place + 1]]);
  const characters = codePoints(packed.text);
  const wordOffsets = pairs(packed.word_offsets);
  return {
    text: packed.text,
    pieces: packed.pieces,
    piece_offsets: pairs(packed.piece_offsets),
    words: wordOffsets.map(([start, end]) => characters.slice(start, end).join("")),
    word_offsets: wordOffsets,
    piece_to_word: packed.piece_to_word,
  };
}

/**
 * A packed sentence as `Translation.to_json` has it, as far as the views need it.
 *
 * @param {object} packed one of the report's sentences
 * @returns {object} `source`, `hypotheses` (one, or none for an empty line), `note`
 */
export function unpackedTranslation(packed) {
  const source = unpackedSegmentation(packed.source);
  const { target } = packed;
  if (target === null) return { source, hypotheses: [], note: packed.note };
  const rows = target.pieces.length + (target.finished ? 1 : 0);
  const weights = unpackedAttention(target.attention, rows, source.pieces.length + 1);
  const hypothesis = {
    ...unpackedSegmentation(target),
    finished: target.finished,
    token_probabilities: target.token_probabilities,
    attention_weights: weights,
    word_attention: wordAttention(weights, source.piece_to_word, target.piece_to_word),
  };
  return { source, hypotheses: [hypothesis], note: packed.note };
}
