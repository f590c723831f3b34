/** Making elements and moving among them. */

/** An element with attributes and children; text is only ever inserted as text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false)
      made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/**
 * The parts of an English message, what stands between “quotation marks” by itself: a word that is written from right to
 * left would else turn around its neighbours, and the whole message if it came first.
 */
export function quotesApart(message) {
  const parts = message.split(/(?<=“)([^”]*)(?=”)/);
  return parts.map((part, place) => (place % 2 ? element("bdi", {}, part) : part));
}

/** Calls `draw` once, when the host first comes near the visible part of the page. */
export function drawWhenVisible(host, draw) {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      draw();
    },
    { rootMargin: "300px" },
  );
  observer.observe(host);
}

/** Whether a key belongs to the browser or the system: Alt and an arrow go back in the history. */
export const isShortcut = (event) => event.altKey || event.metaKey || event.ctrlKey;

/** Elements that share one stop of the Tab key: only the one last focused has it. */
export function roving(elements) {
  elements.forEach((each, index) => (each.tabIndex = index === 0 ? 0 : -1));
  return (chosen, focus = true) => {
    for (const each of elements) if (each.tabIndex === 0) each.tabIndex = -1;
    chosen.tabIndex = 0;
    if (focus) chosen.focus({ preventScroll: false });
  };
}
