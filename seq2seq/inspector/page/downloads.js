/** Taking a translation away: as picture, data or alignment, or as a link to this very view. */

import { LINK_STRENGTH } from "./colors.js";
import { element } from "./dom.js";
import { pngPicture, svgPicture } from "./picture.js";
import { readingOf, shownWeights } from "./units.js";
import { toFragment } from "./view_state.js";

function save(name, blob) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Pharaoh's "source-target" links: `argmax` as the server reads it, or those of at least the threshold. */
export function pharaoh(reading, threshold) {
  const { hypothesis, translation } = reading;
  if (threshold === null) return hypothesis.alignment;
  const links = hypothesis.word_attention
    .slice(0, hypothesis.words.length)
    .flatMap((row, target) =>
      row
        .slice(0, translation.source.words.length)
        .flatMap((weight, source) => (weight >= threshold ? [[source, target]] : [])),
    );
  links.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
  return links.map(([source, target]) => `${source}-${target}`).join(" ");
}

/** A reading as its heat map shows it: with links, each of them as dark as every other one. */
export function picturedReading(reading, threshold) {
  if (threshold === null) return reading;
  const links = shownWeights(reading.weights, threshold);
  return { ...reading, weights: links.map((row) => row.map((weight) => (weight > 0 ? LINK_STRENGTH : 0))) };
}

/**
 * @param {() => object} translation as it is drawn
 * @param {() => object} state of the page
 * @returns {HTMLElement} the buttons
 */
export function downloadButtons(translation, state) {
  const reading = () => readingOf(translation(), state().rank, state().level);
  const pictured = () => picturedReading(reading(), state().threshold);
  const said = element("span", { class: "hint", role: "status" });
  const asText = (content, type) => new Blob([content], { type: `${type};charset=utf-8` });
  const files = {
    PNG: async () => save("attention.png", await pngPicture(pictured())),
    SVG: () => save("attention.svg", asText(svgPicture(pictured()), "image/svg+xml")),
    JSON: () =>
      save("translation.json", asText(`${JSON.stringify(translation(), null, 1)}\n`, "application/json")),
    Pharaoh: () => save("alignment.txt", asText(`${pharaoh(reading(), state().threshold)}\n`, "text/plain")),
    "Copy link": async () => {
      location.hash = toFragment(state());
      await navigator.clipboard.writeText(location.href);
      said.textContent = "Copied.";
    },
  };
  const buttons = Object.entries(files).map(([name, make]) => {
    const attributes = {
      type: "button",
      class: "quiet",
      "aria-label": name === "Copy link" ? null : `Download ${name}`,
    };
    const button = element("button", attributes, name);
    button.addEventListener("click", async () => {
      said.textContent = "";
      try {
        await make();
      } catch (error) {
        said.textContent = name === "Copy link" ? "Copy the address of this page instead." : error.message;
      }
    });
    return button;
  });
  return element(
    "div",
    { class: "downloads", role: "group", "aria-label": "Take it with you" },
    ...buttons,
    element("span", { class: "hint" }, "PNG and SVG: the heat map, with weights or links as chosen above."),
    said,
  );
}
