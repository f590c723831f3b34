/** Names of the warning signs that seq2seq/warning_signs.py finds. */

const NAMES = {
  unknown_characters: "unknown characters",
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
