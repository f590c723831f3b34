/** Which words of two sentences correspond: their longest common subsequence. */

/**
 * @param {string[]} one
 * @param {string[]} other
 * @returns {[number, number][]} pairs of places, both ascending
 */
export function commonWords(one, other) {
  // (one + 1, other + 1): the length of the longest common subsequence of what begins at each place
  const longest = Array.from({ length: one.length + 1 }, () => new Array(other.length + 1).fill(0));
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      longest[i][j] =
        one[i] === other[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  const pairs = [];
  for (let i = 0, j = 0; i < one.length && j < other.length;) {
    if (one[i] === other[j]) pairs.push([i++, j++]);
    else if (longest[i + 1][j] >= longest[i][j + 1]) i += 1;
    else j += 1;
  }
  return pairs;
}
