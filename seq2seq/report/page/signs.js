/** How many sentences have each kind of sign: `[kind, sentences]`, the most frequent first. */
export function signCounts(sentences) {
  const counts = new Map();
  for (const sentence of sentences) {
    for (const kind of new Set(sentence.signs.map((sign) => sign.kind))) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].sort((one, other) => other[1] - one[1]);
}
