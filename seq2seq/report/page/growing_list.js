import { element } from "../../inspector/page/dom.js";

/**
 * A list that is as long as it was looked at: more is drawn when its end comes near the visible part of the page.
 *
 * @param {HTMLElement} host gets the items; it is emptied first
 * @param {unknown[]} items
 * @param {(item: unknown) => Node} draw
 * @param {{chunk?: number, name?: string, before?: Element}} [options] `before`: what the button for more stands behind
 * @returns {{upTo: (count: number) => void, stop: () => void}} `upTo` draws at least so many items
 */
export function growingList(host, items, draw, { chunk = 60, name = "sentences", before = host } = {}) {
  const footer = element("button", { type: "button", class: "more" });
  let drawn = 0;
  const grow = (count) => {
    const end = Math.min(count, items.length);
    const fresh = document.createDocumentFragment();
    for (; drawn < end; drawn += 1) fresh.append(draw(items[drawn]));
    host.append(fresh);
    footer.hidden = drawn >= items.length;
    footer.textContent = `Show more ${name} (${(items.length - drawn).toLocaleString("en")} left)`;
  };
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      grow(drawn + chunk);
      // An observer tells of changes only. Who scrolls to the new end before it looks again has changed nothing.
      observer.unobserve(footer);
      observer.observe(footer);
    },
    { rootMargin: "1500px" },
  );
  footer.addEventListener("click", () => {
    const first = drawn;
    grow(drawn + chunk);
    if (footer.hidden) host.children[first]?.querySelector("summary, button")?.focus();
  });
  host.replaceChildren();
  before.parentElement.querySelector(":scope > .more")?.remove();
  before.after(footer);
  grow(chunk);
  observer.observe(footer);
  return { upTo: (count) => count > drawn && grow(count), stop: () => observer.disconnect() };
}
