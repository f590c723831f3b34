import { weightColors } from "./colors.js";
import { element, isShortcut, roving } from "./dom.js";
import { codePoints } from "./units.js";

/**
 * One side's text as a person wrote it, each unit a button that the arrow keys reach.
 *
 * Sends `unit-hover` ({side, index}; index null when nothing is pointed at) and `unit-pick` from `host`.
 */
export class TextLine {
  /**
   * @param {HTMLElement} host is emptied and filled
   * @param {string} text the raw text
   * @param {ReturnType<typeof unitsOf>} units its words or pieces; those without characters of their own are left out
   * @param {object} options
   * @param {"source"|"target"} options.side
   * @param {string} options.label what the line is called
   * @param {string|null} [options.language] for its `lang` attribute
   * @param {(unit: object, index: number) => string} [options.name] what a unit is called
   */
  constructor(host, text, units, { side, label, language = null, name = (unit) => unit.label }) {
    this.host = host;
    this.side = side;
    this.units = units;
    this.spans = new Map();
    const characters = codePoints(text);
    const line = element("div", {
      class: "text-line",
      dir: "auto",
      lang: language,
      role: "group",
      "aria-label": label,
    });
    let written = 0;
    units.forEach((unit, index) => {
      if (unit.end <= unit.start || unit.start < written) return;
      line.append(characters.slice(written, unit.start).join(""));
      const content = characters.slice(unit.start, unit.end).join("");
      const attributes = {
        class: "unit",
        role: "button",
        "data-index": index,
        "aria-label": name(unit, index),
        "aria-pressed": "false",
      };
      this.spans.set(index, line.appendChild(element("span", attributes, content)));
      written = unit.end;
    });
    line.append(characters.slice(written).join(""));
    host.replaceChildren(line);
    this.line = line;
    this.focusOn = roving([...this.spans.values()]);
    this.#listen();
  }

  #listen() {
    const send = (kind, target) => {
      const span = target?.closest?.(".unit");
      const index = span ? Number(span.dataset.index) : null;
      this.host.dispatchEvent(new CustomEvent(kind, { bubbles: true, detail: { side: this.side, index } }));
    };
    this.line.addEventListener("pointerover", (event) => send("unit-hover", event.target));
    this.line.addEventListener("pointerleave", () => send("unit-hover", null));
    this.line.addEventListener("focusin", (event) => send("unit-hover", event.target));
    this.line.addEventListener("focusout", () => send("unit-hover", null));
    this.line.addEventListener(
      "click",
      (event) => event.target.closest(".unit") && send("unit-pick", event.target),
    );
    this.line.addEventListener("keydown", (event) => this.#move(event, send));
  }

  #move(event, send) {
    const span = event.target.closest(".unit");
    if (!span || isShortcut(event)) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      send("unit-pick", span);
      return;
    }
    const all = [...this.spans.values()];
    const forwards = getComputedStyle(this.line).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    const backwards = forwards === "ArrowRight" ? "ArrowLeft" : "ArrowRight";
    const place = all.indexOf(span);
    const next = { [forwards]: place + 1, [backwards]: place - 1, Home: 0, End: all.length - 1 }[event.key];
    if (next === undefined || !all[next]) return;
    event.preventDefault();
    this.focusOn(all[next]);
  }

  /**
   * @param {number[]|null} weights one for each unit: how strongly it lights up; null puts all lights out
   * @param {number|null} chosen the unit that the weights are those of, when it is on this side
   */
  mark(weights, chosen = null) {
    let carried = 0; // from pieces that share their character with the next one
    this.units.forEach((_, index) => {
      const weight = carried + (weights?.[index] ?? 0);
      const span = this.spans.get(index);
      carried = span ? 0 : weight;
      if (!span) return;
      const colors = weights && weight >= 0.01 ? weightColors(weight) : { paper: "", ink: "" };
      span.style.backgroundColor = colors.paper;
      span.style.color = colors.ink;
      span.classList.toggle("lit", colors.paper !== "");
      span.classList.toggle("chosen", index === chosen);
    });
  }

  /** Says which unit was clicked and keeps what it brought up; null for none. */
  press(chosen) {
    for (const [index, span] of this.spans) span.setAttribute("aria-pressed", String(index === chosen));
  }
}
