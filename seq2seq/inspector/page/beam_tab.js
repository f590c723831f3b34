/** The beam as a tree: a column for each step, a row for each rank, pruned branches below the beam. */

import { Asker } from "./api.js";
import { choice, Progress } from "./controls.js";
import { element, isShortcut } from "./dom.js";
import { END_LABEL, isRightToLeft, percent, pieceLabel, textOfPieces, withoutEnd } from "./units.js";
import { searchOf } from "./view_state.js";

const SVG = "http://www.w3.org/2000/svg";
const [COLUMN, ROW, NODE_WIDTH, NODE_HEIGHT] = [104, 46, 82, 34];
const PRUNED_SHOWN = 3;
const BRANCHES = { all: "With pruned branches", beam: "Beam only" };
const MEANING = {
  kept: "stayed in the beam",
  ended: "ended here",
  dropped: "was in the beam, but none of its continuations stayed",
  pruned: "never came into the beam",
  cut: "still growing when the search stopped",
};

/** Rows of the nodes: their rank; the pruned ones of a step follow behind the widest beam. */
function rowsOf(nodes) {
  const beam = 1 + Math.max(0, ...nodes.map((node) => node.rank ?? 0));
  const pruned = new Map();
  return new Map(
    nodes.map((node) => {
      if (node.rank !== null) return [node.id, node.rank];
      const row = pruned.get(node.step) ?? beam;
      pruned.set(node.step, row + 1);
      return [node.id, row];
    }),
  );
}

export class BeamTab {
  constructor(host, { state, languages, change, translate }) {
    Object.assign(this, { host, state, languages, change, translate });
    this.progress = new Progress("Searching …");
    this.asker = new Asker(this.progress.busy);
    this.asked = null;
    this.toolbar = element("div", { class: "toolbar" });
    this.sheet = element("div");
    this.path = element("p", { class: "pointed-at beam-path" });
    const legend = element(
      "p",
      { class: "legend" },
      element("span", { class: "key best" }, "best translation"),
      element("span", { class: "key" }, "in the beam"),
      element("span", { class: "key dropped" }, "led nowhere"),
      element("span", { class: "key pruned" }, "pruned"),
      "The bar is the probability of the step. Click a node to go on from there.",
    );
    host.replaceChildren(this.toolbar, legend, this.path, this.progress.host, this.sheet);
  }

  show(translation) {
    this.translation = translation;
    const choose = (branches) => {
      this.change({ branches });
      this.#ask();
    };
    this.toolbar.replaceChildren(choice("Pruned branches", BRANCHES, this.state().branches, choose));
    this.#ask();
  }

  async #ask() {
    const { prefix, branches } = this.state();
    const body = {
      source: this.translation.source.text,
      prefix: withoutEnd(prefix), // behind an end there is nothing to search
      pruned: branches === "all" ? PRUNED_SHOWN : 0,
      ...searchOf(this.state()),
    };
    const key = JSON.stringify(body);
    this.asker.cancel();
    this.progress.clear();
    if (key === this.asked) return;
    this.asked = null;
    this.#setStale(true);
    try {
      const answer = await this.asker.latest((ask) => ask("api/beam", body));
      if (!answer) return;
      this.asked = key;
      this.#setStale(false);
      this.#draw(answer.nodes);
    } catch (error) {
      this.#setStale(false);
      this.sheet.replaceChildren();
      this.progress.problem(error);
    }
  }

  /** The tree of another question stays to be seen, but nothing goes on from it. */
  #setStale(isStale) {
    this.sheet.classList.toggle("stale", isStale);
    this.sheet.inert = isStale;
  }

  #draw(nodes) {
    this.nodes = new Map(nodes.map((node) => [node.id, node]));
    const rows = rowsOf(nodes);
    const steps = 1 + Math.max(0, ...nodes.map((node) => node.step));
    const height = ROW * (1 + Math.max(0, ...rows.values()));
    const best = nodes.filter((node) => node.on_best_path).sort((one, other) => one.step - other.step);
    const mirrored = isRightToLeft(textOfPieces((best.length ? best : nodes).map((node) => node.piece)));
    this.mirrored = mirrored;
    const width = steps * COLUMN;
    const left = (node) =>
      mirrored ? width - (node.step + 1) * COLUMN + COLUMN - NODE_WIDTH : node.step * COLUMN;
    const top = (node) => rows.get(node.id) * ROW;
    const lines = document.createElementNS(SVG, "svg");
    lines.setAttribute("width", width);
    lines.setAttribute("height", height);
    lines.setAttribute("aria-hidden", "true");
    this.lines = new Map();
    this.buttons = new Map();
    const tree = element("div", { class: "beam-tree", role: "tree", "aria-label": "The beam, step by step" });
    for (const node of nodes) {
      const parent = this.nodes.get(node.parent);
      if (parent) lines.append(this.#line(node, parent, left, top));
      const button = this.#node(node);
      button.style.left = `${left(node)}px`;
      button.style.top = `${top(node)}px`;
      this.buttons.set(node.id, button);
      tree.append(button);
    }
    tree.style.inlineSize = `${width}px`;
    tree.style.blockSize = `${height}px`;
    this.sheet.replaceChildren(
      element(
        "div",
        { class: "beam-scroller", dir: mirrored ? "rtl" : "ltr" }, // its beginning is what is seen first
        element("div", { class: "beam-sheet", dir: "ltr" }, lines, tree),
      ),
    );
    this.#listen(tree);
    this.#showPath(null);
  }

  #line(node, parent, left, top) {
    const [from, to] = this.mirrored
      ? [left(parent), left(node) + NODE_WIDTH]
      : [left(parent) + NODE_WIDTH, left(node)];
    const [start, end] = [top(parent) + NODE_HEIGHT / 2, top(node) + NODE_HEIGHT / 2];
    const middle = (from + to) / 2;
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", `M${from} ${start}C${middle} ${start} ${middle} ${end} ${to} ${end}`);
    path.setAttribute("class", `${node.status} ${node.on_best_path ? "best" : ""}`);
    this.lines.set(node.id, path);
    return path;
  }

  #node(node) {
    const isEnd = node.piece === END_LABEL;
    const name = isEnd ? "end of sentence" : node.text || node.piece;
    const lang = isEnd ? null : this.languages().target;
    const bar = element("span", { class: "bar" });
    bar.style.inlineSize = `${100 * node.token_probability}%`;
    const shown = element("bdi", { lang }, isEnd ? "■ end" : pieceLabel(node, node.step === 0));
    const place = node.rank === null ? "" : `, rank ${node.rank + 1}`;
    const best = node.on_best_path ? ", best translation" : "";
    return element(
      "div",
      {
        class: `beam-node ${node.status} ${node.on_best_path ? "best" : ""}`,
        role: "treeitem",
        tabindex: node.parent === null && node.rank === 0 ? 0 : -1,
        "aria-level": node.step + 1,
        "aria-label": `${name}, ${percent(node.token_probability)}, ${MEANING[node.status]}${place}${best}`,
        "data-id": node.id,
      },
      shown,
      bar,
    );
  }

  #pathTo(id) {
    const path = [];
    for (let node = this.nodes.get(id); node; node = this.nodes.get(node.parent)) path.unshift(node);
    return path;
  }

  #showPath(id) {
    const path = id === null ? [] : this.#pathTo(id);
    const on = new Set(path.map((node) => node.id));
    for (const [each, line] of this.lines) line.classList.toggle("marked", on.has(each));
    for (const [each, button] of this.buttons) button.classList.toggle("marked", on.has(each));
    if (!path.length) {
      this.path.replaceChildren(
        element("span", { class: "hint" }, "Point at a node to see how its translation went so far."),
      );
      return;
    }
    const last = path.at(-1);
    const begin = textOfPieces(path.map((node) => node.piece));
    const facts = `${percent(last.token_probability)} at this step, ${percent(Math.exp(last.log_probability))} so far: ${MEANING[last.status]}`;
    const { target: lang } = this.languages();
    this.path.replaceChildren(element("bdi", { class: "quoted", lang }, begin), ` ${facts}`);
  }

  #listen(tree) {
    const idOf = (target) => {
      const node = target?.closest?.(".beam-node");
      return node ? Number(node.dataset.id) : null;
    };
    tree.addEventListener("pointerover", (event) => this.#showPath(idOf(event.target)));
    tree.addEventListener("pointerleave", () => this.#showPath(idOf(document.activeElement)));
    tree.addEventListener("focusin", (event) => this.#showPath(idOf(event.target)));
    tree.addEventListener("click", (event) => this.#continueFrom(idOf(event.target)));
    tree.addEventListener("keydown", (event) => {
      const id = idOf(event.target);
      if (id === null || isShortcut(event)) return;
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        this.#continueFrom(id);
      } else if (this.#move(event.key, this.nodes.get(id))) event.preventDefault();
    });
  }

  /** The tree has a chosen beginning as its first steps, so that the path is all of the next one. */
  #continueFrom(id) {
    if (id === null) return;
    const prefix = this.#pathTo(id).map((node) => node.piece);
    this.translate({ prefix, rank: 0, unit: null, pins: [], tab: "attention" });
  }

  #move(key, node) {
    const all = [...this.nodes.values()];
    const [onwards, back] = this.mirrored ? ["ArrowLeft", "ArrowRight"] : ["ArrowRight", "ArrowLeft"];
    const column = all.filter((each) => each.step === node.step);
    const next = {
      [onwards]: all.find((each) => each.parent === node.id),
      [back]: this.nodes.get(node.parent),
      ArrowDown: column[column.indexOf(node) + 1],
      ArrowUp: column[column.indexOf(node) - 1],
      Home: all[0],
      End: all.findLast((each) => each.on_best_path),
    }[key];
    if (!next) return false;
    for (const button of this.buttons.values()) button.tabIndex = -1;
    const button = this.buttons.get(next.id);
    button.tabIndex = 0;
    button.focus();
    return true;
  }
}
