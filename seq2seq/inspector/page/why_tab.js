/** Where the model looked, beside what its words really depend on. */

import { Asker } from "./api.js";
import { differenceColors } from "./colors.js";
import { Progress } from "./controls.js";
import { element, quotesApart } from "./dom.js";
import { HeatMap } from "./heat_map.js";
import { piecesWithEnd } from "./pin_panel.js";
import { readingOf } from "./units.js";
import { modelOf } from "./view_state.js";

const A_HUNDRED_TIMES = Math.log(100);
const SMALLEST_LOSS_SHOWN = 0.5;
const SMALLEST_PULL_SHOWN = 0.15; // of the largest one

function signed(number, digits) {
  return number.toFixed(digits).replace("-", "−");
}

/** "Without not, nicht is 60 times less probable". */
function describeLoss(row, column, loss) {
  const factor = Math.exp(Math.abs(loss));
  const times = factor > 1000 ? "over 1000" : factor >= 10 ? String(Math.round(factor)) : factor.toFixed(1);
  if (factor < 1.05) return `${row.label} is as probable without ${column.label}`;
  return `Without ${column.label}, ${row.label} is ${times} times ${loss > 0 ? "less" : "more"} probable`;
}

/** Title, meaning and heat map options of each of the three maps. */
function mapsOf({ translation, leave_one_out: losses, gradient_x_input: gradients }, languages) {
  const { rows, columns, weights, rightToLeft } = readingOf(translation, 0, "words");
  const common = { rows, languages, rightToLeft };
  const largestLoss = Math.min(A_HUNDRED_TIMES, Math.max(1, ...losses.flat().map(Math.abs)));
  const steepest = Math.max(1e-9, ...gradients.flat().map(Math.abs));
  return [
    ["Attention", "where it looked, in per cent", { ...common, columns, weights }],
    [
      "Leave one out",
      "by how much the log probability falls without the source word: 2.3 is ten times less probable; orange is more probable",
      {
        ...common,
        columns: columns.slice(0, -1),
        weights: losses,
        colors: (value) => differenceColors(value, largestLoss),
        number: (value) => (Math.abs(value) >= SMALLEST_LOSS_SHOWN ? signed(value, 1) : ""),
        describe: describeLoss,
      },
    ],
    [
      "Gradient × input",
      "the pull of the source word's embedding on the log probability: blue for the word, orange against it",
      {
        ...common,
        columns,
        weights: gradients,
        colors: (value) => differenceColors(value, steepest),
        number: (value) => (Math.abs(value) >= steepest * SMALLEST_PULL_SHOWN ? signed(value, 1) : ""),
        describe: (row, column, value) =>
          `${row.label} on ${column.label}: gradient times input ${signed(value, 2)}`,
      },
    ],
  ];
}

export class WhyTab {
  constructor(host, { state, languages }) {
    Object.assign(this, { host, state, languages });
    this.progress = new Progress("Leaving out one source word after the other …");
    this.asker = new Asker(this.progress.busy);
    this.content = element("div");
    this.asked = null;
    this.content.addEventListener("cell-hover", ({ detail: { row, column } }) => this.#mark(row, column));
    host.replaceChildren(this.progress.host, this.content);
  }

  async show(translation) {
    const hypothesis = translation.hypotheses[this.state().rank];
    const body = {
      source: translation.source.text,
      target_pieces: piecesWithEnd(hypothesis),
      ...modelOf(this.state()),
    };
    const key = JSON.stringify(body);
    this.asker.cancel();
    this.progress.clear();
    if (key === this.asked) return;
    this.asked = null;
    this.content.classList.add("stale");
    try {
      const answer = await this.asker.latest((ask) => ask("api/why", body));
      if (!answer) return;
      this.asked = key;
      this.content.classList.remove("stale");
      this.#draw(answer);
    } catch (error) {
      this.content.classList.remove("stale");
      this.content.replaceChildren();
      this.progress.problem(error);
    }
  }

  #draw(answer) {
    const { rows, columns } = readingOf(answer.translation, 0, "words");
    const marked = new Set(answer.disagreements.map((each) => `${each.target_word},${each.source_word}`));
    const mark = (row, column) => (marked.has(`${row},${column}`) ? "disagrees" : "");
    const maps = mapsOf(answer, this.languages());
    const figures = maps.map(() => element("figure", { class: "why-map" }));
    this.content.replaceChildren(
      this.#disagreements(answer, rows, columns),
      element(
        "div",
        { class: "why-maps" },
        ...figures,
        element("p", { class: "explanation" }, answer.explanation),
      ),
    );
    this.maps = [];
    maps.forEach(([title, meaning, options], index) => {
      const place = element("div");
      const caption = element("figcaption", {}, element("b", {}, title), ` ${meaning}`);
      figures[index].append(caption, place);
      const [first] = this.maps; // the others are as large, so that rows stand beside rows
      this.maps.push(
        new HeatMap(place, { ...options, label: title, mark, cellSize: first && (() => first.cell) }),
      );
    });
    this.#mark(null, null);
  }

  #mark(row, column) {
    for (const map of this.maps) map.mark(row, column);
  }

  #disagreements({ disagreements, rule }, rows, columns) {
    const heading = element("h3", {}, "Where attention and dependence disagree");
    const items = disagreements.map((each) => {
      const button = element("button", { type: "button" }, ...quotesApart(each.message));
      const point = () => this.#mark(each.target_word, each.source_word);
      button.addEventListener("pointerenter", point);
      button.addEventListener("focus", point);
      button.addEventListener("pointerleave", () => this.#mark(null, null));
      button.setAttribute(
        "aria-label",
        `${rows[each.target_word]?.label}, ${columns[each.source_word]?.label}: ${each.message}`,
      );
      return element("li", {}, button);
    });
    const list = items.length
      ? element("ul", {}, ...items)
      : element("p", { class: "hint" }, "Nowhere in this sentence, by the rule below.");
    return element("section", { class: "warnings" }, heading, list, element("p", { class: "hint" }, rule));
  }
}
