/** Tabs in the manner of the ARIA practices: arrow keys move, the chosen tab alone is reached by Tab. */

import { isShortcut } from "../../inspector/page/dom.js";

/**
 * @param {HTMLElement} list has buttons with role tab, each with `aria-controls`
 * @returns {(id: string) => void} chooses the tab of the panel with this id
 */
export function tabs(list) {
  const all = [...list.querySelectorAll('[role="tab"]')];
  const panel = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
  const choose = (chosen) => {
    for (const tab of all) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      panel(tab).hidden = tab !== chosen;
    }
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (tab) choose(tab);
  });
  list.addEventListener("keydown", (event) => {
    const place = all.indexOf(event.target.closest('[role="tab"]'));
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: all.length - 1 }[event.key];
    if (place < 0 || next === undefined || isShortcut(event)) return;
    event.preventDefault();
    const tab = all[(next + all.length) % all.length];
    choose(tab);
    tab.focus();
  });
  choose(all[0]);
  return (id) => choose(all.find((tab) => tab.getAttribute("aria-controls") === id));
}
