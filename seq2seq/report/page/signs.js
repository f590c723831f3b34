/** Names of the warning signs that seq2seq/warning_signs.py finds. */

const NAMES = {
  coverage: "uneven coverage",
  scattered_source: "scattered reading",
  scattered_target: "scattered attention",
  entropy: "undecided attention",
  source_not_looked_at: "words not looked at",
  repeated_attention: "read again and again",
  repeated_words: "repeated words",
  numbers: "numbers differ",
  urls: "addresses differ",
  names: "names differ",
  length: "unusual length",
};

/** What a kind of sign is called; one that has no name yet is called what it is. */
export function signName(kind) {
  return NAMES[kind] ?? kind.replaceAll("_", " ");
}

/** How many sentences have each kind of sign: `[kind, sentences]`, the most frequent first. */
export function signCounts(sentences) {
  const counts = new Map();
  for (const sentence of sentences) {
    for (const kind of new Set(sentence.signs.map((sign) => sign.kind))) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].sort((one, other) => other[1] - one[1]);
}
