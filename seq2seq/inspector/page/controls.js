/** Small controls that several views use. */

import { element, isShortcut, roving } from "./dom.js";

/**
 * A few choices side by side, one of which is on.
 *
 * @param {string} label what is chosen
 * @param {Record<string, string>} choices value to name
 * @param {string} value
 * @param {(value: string) => void} onChange
 */
export function choice(label, choices, value, onChange) {
  const group = element("div", { class: "choice", role: "radiogroup", "aria-label": label });
  const buttons = Object.entries(choices).map(([each, name]) => {
    const on = String(each === value);
    return element("button", { type: "button", role: "radio", "aria-checked": on, "data-value": each }, name);
  });
  const focusOn = roving(buttons);
  focusOn(buttons.find((button) => button.dataset.value === value) ?? buttons[0], false);
  const choose = (button) => {
    for (const each of buttons) each.setAttribute("aria-checked", String(each === button));
    focusOn(button);
    onChange(button.dataset.value);
  };
  group.addEventListener(
    "click",
    (event) => event.target.closest("button") && choose(event.target.closest("button")),
  );
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || isShortcut(event)) return;
    event.preventDefault();
    choose(buttons[(buttons.indexOf(event.target) + step + buttons.length) % buttons.length]);
  });
  group.append(...buttons);
  return group;
}

/**
 * Tabs of the ARIA practices: arrow keys move and choose.
 *
 * @param {HTMLElement} list with role tablist
 * @param {Record<string, string>} names tab to name; each has its panel `#panel-TAB`
 * @param {(tab: string) => void} onChange
 * @returns {(tab: string) => void} shows a tab
 */
export function startTabs(list, names, onChange) {
  const tabs = Object.entries(names).map(([tab, name]) =>
    element(
      "button",
      { type: "button", role: "tab", id: `tab-${tab}`, "aria-controls": `panel-${tab}` },
      name,
    ),
  );
  list.append(...tabs);
  const nameOf = (button) => button.id.replace("tab-", "");
  const focusOn = roving(tabs);
  const show = (tab) => {
    for (const button of tabs) {
      const on = nameOf(button) === tab;
      button.setAttribute("aria-selected", String(on));
      document.getElementById(`panel-${nameOf(button)}`).hidden = !on;
      if (on) focusOn(button, false);
    }
  };
  list.addEventListener(
    "click",
    (event) => event.target.id.startsWith("tab-") && onChange(nameOf(event.target)),
  );
  list.addEventListener("keydown", (event) => {
    const place = tabs.indexOf(event.target);
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[
      event.key
    ];
    if (next === undefined || isShortcut(event)) return;
    event.preventDefault();
    const tab = tabs[next % tabs.length];
    tab.focus();
    onChange(nameOf(tab));
  });
  return show;
}

/** A labelled slider from 0 to 1 that says its value. */
export function shareSlider(label, value, onInput) {
  const input = element("input", {
    type: "range",
    min: 0.05,
    max: 0.95,
    step: 0.05,
    value,
    "aria-label": label,
  });
  const output = element("output", {}, `${Math.round(100 * value)}\u00a0%`);
  input.addEventListener("input", () => {
    output.textContent = `${Math.round(100 * input.value)}\u00a0%`;
    onInput(Number(input.value));
  });
  return element("label", { class: "slider" }, label, input, output);
}

/** Where a view says that it works, or what went wrong. */
export class Progress {
  /** @param {string} doing such as "Searching …" */
  constructor(doing) {
    this.doing = doing;
    this.host = element("div", { class: "progress" });
  }

  busy = (isBusy) => {
    this.host.replaceChildren(
      ...(isBusy ? [element("p", { class: "status busy", role: "status" }, this.doing)] : []),
    );
  };

  problem(error) {
    this.host.replaceChildren(element("p", { class: "problem", role: "alert" }, error.message));
  }

  clear() {
    this.host.replaceChildren();
  }
}
