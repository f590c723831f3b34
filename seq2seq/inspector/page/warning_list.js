/** The warning signs of a translation, each a button that brings out its words in the text. */

import { element, quotesApart } from "./dom.js";
import { signName } from "./sign_names.js";

const MOST_SIGNS_AT_FIRST = 5;

/** Name, what it is called in the paper, and meaning. */
const MEASURES = {
  coverage_deviation: [
    "coverage deviation",
    "CDP",
    "How far the attention that source pieces receive in sum is from 1 each; 0 is best.",
  ],
  absent_mindedness_target: [
    "absent-mindedness, target",
    "APout",
    "How scattered the attention of each piece of the translation is; 0 is best.",
  ],
  absent_mindedness_source: [
    "absent-mindedness, source",
    "APin",
    "How scattered the attention to each piece of the source is; 0 is best.",
  ],
  entropy: ["entropy", null, "0: every word looked at one place; 1: evenly at all of them."],
};

/** The numbers, and behind a click what each of them means. */
function measureList(measures) {
  const keys = Object.keys(MEASURES).filter((key) => Number.isFinite(measures?.[key]));
  if (!keys.length) return "";
  const numbers = keys.map((key) => {
    const [name] = MEASURES[key];
    return element("div", {}, element("dt", {}, name), element("dd", {}, measures[key].toFixed(2)));
  });
  const meanings = keys.map((key) => {
    const [name, abbreviation, meaning] = MEASURES[key];
    const term = abbreviation ? `${name} (${abbreviation})` : name;
    return element("div", {}, element("dt", {}, term), element("dd", {}, meaning));
  });
  return element(
    "div",
    {},
    element("dl", { class: "measures" }, ...numbers),
    element(
      "details",
      { class: "meanings" },
      element("summary", {}, "What these numbers mean"),
      element("dl", {}, ...meanings),
    ),
  );
}

function capitalized(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
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
    const title = element("b", {}, capitalized(signName(sign.kind)));
    const button = element("button", attributes, title, " ", ...quotesApart(sign.message));
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
