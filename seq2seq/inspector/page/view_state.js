/** All that decides what the page shows, and the same as a URL fragment, so that a link restores a view. */

/** What a link that says nothing means. `null` is "as the model's run says" or "none". */
export const START = Object.freeze({
  sentence: "",
  model: null,
  checkpoint: null,
  beamSize: null,
  nBest: null,
  lengthPenalty: null,
  prefix: [], // target pieces that a person chose
  rank: 0, // which of the n best
  level: "words",
  attention: "prior", // where it looked before it knew the word; or "posterior", where the word came from
  drawing: "map", // or "lines"
  threshold: null, // null shows weights; a number, links of at least this weight
  tab: "attention",
  unit: null, // the chosen target word or piece
  pins: [], // source words that its attention is forced onto
  otherModel: null,
  otherCheckpoint: null,
  otherSearch: "same", // or "greedy"; "scored" asks the other model about the very words that are shown
  branches: "all", // of the beam's tree; or "beam", without the pruned ones
});

const whole = (text) => (/^\d{1,6}$/.test(text) ? Number(text) : null);
const decimal = (text) => (/^\d{1,4}(\.\d{1,20})?(e-\d{1,3})?$/.test(text) ? Number(text) : null);
const oneOf =
  (...known) =>
  (text) =>
    known.includes(text) ? text : null;
const text = (value) => value;

function pieces(value) {
  try {
    const list = JSON.parse(value);
    return Array.isArray(list) && list.every((each) => typeof each === "string") ? list : null;
  } catch {
    return null;
  }
}

function numbers(value) {
  const list = value.split(",").map(whole);
  return list.includes(null) ? null : list;
}

/** Key in the fragment, name in the state, how it is read, how it is written. */
const FIELDS = [
  ["s", "sentence", text],
  ["model", "model", text],
  ["checkpoint", "checkpoint", whole],
  ["beam", "beamSize", whole],
  ["n", "nBest", whole],
  ["length", "lengthPenalty", decimal],
  ["prefix", "prefix", pieces, JSON.stringify],
  ["rank", "rank", whole],
  ["level", "level", oneOf("words", "pieces")],
  ["attention", "attention", oneOf("prior", "posterior")],
  ["drawing", "drawing", oneOf("map", "lines")],
  ["threshold", "threshold", decimal],
  ["view", "tab", oneOf("attention", "beam", "why", "compare")],
  ["word", "unit", whole],
  ["pins", "pins", numbers],
  ["other", "otherModel", text],
  ["other-checkpoint", "otherCheckpoint", whole],
  ["other-search", "otherSearch", oneOf("same", "greedy", "scored")],
  ["branches", "branches", oneOf("all", "beam")],
];

/** @returns {string} without the `#`; only what differs from the start is written */
export function toFragment(state) {
  const parameters = new URLSearchParams();
  for (const [key, name, , write = String] of FIELDS) {
    if (JSON.stringify(state[name]) !== JSON.stringify(START[name])) parameters.set(key, write(state[name]));
  }
  return parameters.toString();
}

/** Reads what `toFragment` wrote; whatever does not make sense is left at its start. */
export function fromFragment(fragment) {
  const parameters = new URLSearchParams(fragment.replace(/^#/, ""));
  const state = { ...START };
  for (const [key, name, read] of FIELDS) {
    const value = parameters.has(key) ? read(parameters.get(key)) : null;
    if (value !== null) state[name] = value;
  }
  return state;
}

/** The part of a request that says which model translates, and how. */
export function searchOf(state) {
  const given = {
    model: state.model,
    checkpoint: state.checkpoint,
    beam_size: state.beamSize,
    length_penalty: state.lengthPenalty,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}

/** The part of a request that says which model is meant. */
export function modelOf(state) {
  const { model, checkpoint } = searchOf(state);
  return { ...(model ? { model } : {}), ...(checkpoint ? { checkpoint } : {}) };
}
