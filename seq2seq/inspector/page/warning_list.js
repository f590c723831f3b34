/** The warning signs of a translation, each a button that brings out its words in the text. */

import { element } from "./dom.js";

const MOST_SIGNS_AT_FIRST = 5;
const TITLES = {
  coverage: "Coverage",
  scattered_source: "Scattered reading",
  scattered_target: "Scattered attention",
  entropy: "Undecided attention",
  source_not_looked_at: "Not looked at",
  repeated_attention: "Looked at twice",
  repeated_words: "Repeated words",
  numbers: "Numbers",
  urls: "Addresses",
  names: "Names",
  length: "Length",
};

const MEASURES = {
  coverage_deviation: [
    "coverage deviation",
    "How far the attention that source words receive in sum is from 1 each; 0 is best",
  ],
  absent_mindedness_target: [
    "absent-mindedness, target",
    "How scattered each target word's attention is; 0 is best",
  ],
  absent_mindedness_source: [
    "absent-mindedness, source",
    "How scattered the attention to each source word is; 0 is best",
  ],
  entropy: ["entropy", "0: every word looked at one place; 1: evenly at all"],
};

function measureList(measures) {
  const entries = Object.entries(MEASURES).filter(([key]) => Number.isFinite(measures?.[key]));
  const pairs = entries.map(([key, [name, meaning]]) =>
    element("div", { title: meaning }, element("dt", {}, name), element("dd", {}, measures[key].toFixed(2))),
  );
  return element("dl", { class: "measures" }, ...pairs);
}

/** Hides items until somebody asks for them; nothing when there are none. */
function moreButton(items) {
  if (!items.length) return "";
  for (const item of items) item.hidden = true;
  const button = element("button", { type: "button", class: "quiet more" }, `Show ${items.length} more`);
  button.addEventListener("click", () => {
    for (const item of items) item.hidden = false;
    items[0].querySelector("button").focus();
    button.remove();
  });
  return button;
}

/** @param {(sign: object|null) => void} onPoint */
export function warningList(hypothesis, onPoint) {
  const signs = hypothesis.warnings ?? [];
  const heading = element("h3", {}, "Warning signs");
  if (!signs.length) {
    const none = "None found. That is no proof that the translation is right.";
    return element(
      "section",
      { class: "warnings" },
      heading,
      element("p", { class: "hint" }, none),
      measureList(hypothesis.measures),
    );
  }
  const items = signs.map((sign) => {
    const attributes = { type: "button", "aria-pressed": "false" };
    const title = element("b", {}, TITLES[sign.kind] ?? sign.kind);
    const button = element("button", attributes, title, " ", element("span", { dir: "auto" }, sign.message));
    return element("li", {}, button);
  });
  const list = element("ul", {}, ...items);
  const more = moreButton(items.slice(MOST_SIGNS_AT_FIRST));
  const buttons = items.map((item) => item.firstChild);
  let held = null;
  const point = (button) => onPoint(button ? signs[buttons.indexOf(button)] : null);
  list.addEventListener("pointerover", (event) => point(event.target.closest("button") ?? held));
  list.addEventListener("pointerleave", () => point(held));
  list.addEventListener("focusin", (event) => point(event.target.closest("button") ?? held));
  list.addEventListener("focusout", () => point(held));
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    held = held === button ? null : button;
    for (const each of buttons) each.setAttribute("aria-pressed", String(each === held));
    point(held);
  });
  return element("section", { class: "warnings" }, heading, list, more, measureList(hypothesis.measures));
}
