/** The n best translations, one of which is looked at. */

import { element, isShortcut, roving } from "./dom.js";
import { percent } from "./units.js";

/** How sure the model was: the geometric mean of its pieces' probabilities, and what the search ranked by. */
export function facts(hypothesis) {
  if (hypothesis.log_probability === null) return "impossible";
  const tokens = Math.max(hypothesis.token_probabilities.length, 1);
  const perPiece = percent(Math.exp(hypothesis.log_probability / tokens));
  const cut = hypothesis.finished ? "" : " · not finished";
  return `${perPiece} per piece · score ${hypothesis.score.toFixed(3).replace("-", "−")}${cut}`;
}

/**
 * @param {object[]} hypotheses best first
 * @param {number} rank which one is shown
 * @param {string|null} language of the translations, for `lang` attributes
 * @param {(rank: number) => void} onChange
 * @returns {HTMLElement}
 */
export function hypothesisList(hypotheses, rank, language, onChange) {
  const buttons = hypotheses.map((hypothesis, each) =>
    element(
      "button",
      { type: "button", role: "radio", class: "hypothesis", "aria-checked": String(each === rank) },
      element("span", { class: "rank", "aria-hidden": "true" }, String(each + 1)),
      hypothesis.text
        ? element("span", { class: "hypothesis-text", dir: "auto", lang: language }, hypothesis.text)
        : element("span", { class: "hypothesis-text" }, "(nothing)"),
      element("span", { class: "number" }, facts(hypothesis)),
    ),
  );
  const group = element(
    "div",
    { class: "hypotheses", role: "radiogroup", "aria-label": "Best translations" },
    ...buttons,
  );
  const focusOn = roving(buttons);
  focusOn(buttons[rank] ?? buttons[0], false);
  const choose = (place) => {
    buttons.forEach((button, each) => button.setAttribute("aria-checked", String(each === place)));
    focusOn(buttons[place]);
    onChange(place);
  };
  group.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) choose(buttons.indexOf(button));
  });
  group.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step || isShortcut(event)) return;
    event.preventDefault();
    choose((buttons.indexOf(event.target) + step + buttons.length) % buttons.length);
  });
  return group;
}
