/** The first view: text, heat map or lines, what is odd about the translation, the chosen word's panel, downloads. */

import { AttentionView, drawHeatMap } from "./attention_view.js";
import { choice, shareSlider } from "./controls.js";
import { element } from "./dom.js";
import { downloadButtons } from "./downloads.js";
import { LinkView } from "./link_view.js";
import { Posterior } from "./posterior.js";
import { signName } from "./sign_names.js";
import { warningList } from "./warning_list.js";
import { WordPanel } from "./word_panel.js";

const FIRST_THRESHOLD = 0.3;

export class AttentionTab {
  /**
   * @param {HTMLElement} host
   * @param {object} options
   * @param {() => object} options.state of the page
   * @param {() => object|null} options.shown the translation that the page shows, in whichever tab
   * @param {() => {source: string, target: string}} options.languages for `lang` attributes
   * @param {(changes: object) => void} options.change changes the state without asking the server
   * @param {(changes: object) => void} options.translate changes the state and translates again
   */
  constructor(host, { state, shown, languages, change, translate }) {
    Object.assign(this, { host, state, shown, languages, change });
    this.posterior = new Posterior();
    this.toolbar = element("div", { class: "toolbar" });
    this.view = element("div");
    this.legend = element("p", { class: "legend" });
    this.below = element("div", { class: "below" });
    host.replaceChildren(this.toolbar, this.posterior.progress.host, this.view, this.below);
    this.panel = new WordPanel({
      state,
      onPrefix: (prefix) => translate({ prefix, rank: 0, pins: [] }),
      onPins: (pins) => change({ pins }),
      onClose: () => {
        const { unit } = this.state();
        this.#choose(null);
        this.focusTarget(unit);
      },
    });
  }

  /** @param {object} translation with at least one hypothesis */
  show(translation) {
    this.translation = translation;
    this.pointedOut = null; // it was a sign of another translation
    this.#fillToolbar();
    this.#showAttention();
    const hypothesis = translation.hypotheses[this.state().rank];
    this.below.replaceChildren(
      warningList(hypothesis, (sign) => this.#markWarning(sign)),
      downloadButtons(() => this.drawn, this.state),
    );
  }

  /** Puts the focus on the word that a piece of the translation belongs to. */
  focusPiece(piece) {
    const { hypothesis, level } = this.current.reading;
    this.focusTarget(level === "pieces" ? piece : hypothesis.piece_to_word[piece]);
  }

  /** Puts the focus on a target word, such as after it was replaced; on the last one if it is not there. */
  focusTarget(index) {
    const line = this.#line("target");
    const span = line.spans.get(index) ?? [...line.spans.values()].at(-1);
    if (span) line.focusOn(span);
  }

  #fillToolbar() {
    const { level, drawing, threshold, attention } = this.state();
    const redraw = (changes) => {
      this.change(changes);
      this.#draw();
    };
    const slider = shareSlider("Threshold", threshold ?? FIRST_THRESHOLD, (share) =>
      redraw({ threshold: share }),
    );
    slider.hidden = threshold === null;
    const readings = { soft: "Weights", hard: "Links" };
    const read = (reading) => {
      slider.hidden = reading === "soft";
      redraw({ threshold: reading === "soft" ? null : Number(slider.querySelector("input").value) });
    };
    const attentions = { prior: "Before the word", posterior: "Knowing the word" };
    const attend = (each) => {
      if (each === this.state().attention) return; // what is being asked for goes on being asked for
      this.change({ attention: each });
      this.#showAttention();
    };
    this.toolbar.replaceChildren(
      choice("Attention", attentions, attention, attend),
      choice("Units", { words: "Words", pieces: "Pieces" }, level, (each) =>
        redraw({ level: each, unit: null, pins: [] }),
      ),
      choice("Drawing", { map: "Heat map", lines: "Lines" }, drawing, (each) => redraw({ drawing: each })),
      choice("Reading", readings, threshold === null ? "soft" : "hard", read),
      slider,
    );
  }

  /** Draws the attention that is chosen; until the posterior has been asked for, that is the ordinary one. */
  #showAttention() {
    this.posterior.cancel();
    const wanted = this.state().attention === "posterior";
    const found = wanted ? this.posterior.known(this.translation, this.state()) : null;
    const isMissing = wanted && found === null;
    this.drawn = found ?? this.translation;
    this.view.classList.toggle("stale", isMissing);
    this.#draw();
    if (isMissing) this.#askForPosterior();
  }

  async #askForPosterior() {
    const { translation } = this;
    // Another tab may have been chosen, and there another translation.
    const isWanted = () => this.shown() === translation && this.state().tab === "attention";
    try {
      const isAnswered = await this.posterior.ask(translation, this.state());
      if (isAnswered && isWanted()) this.#keepingFocus(() => this.#showAttention());
    } catch (error) {
      if (!isWanted()) return;
      this.change({ attention: "prior" });
      const choosing = this.toolbar.contains(document.activeElement);
      this.#fillToolbar();
      if (choosing) this.toolbar.querySelector('[aria-checked="true"]').focus(); // what is chosen now
      this.#keepingFocus(() => this.#showAttention());
      this.posterior.progress.problem(error);
    }
  }

  /** Replaces elements by others of the same number and order; the keyboard stays at its place among them. */
  #keepingFocus(replace) {
    const focused = document.activeElement;
    const places = () => [...this.host.querySelectorAll("[tabindex]")];
    const place = places().indexOf(focused);
    replace();
    if (focused?.isConnected) focused.focus();
    else places()[place]?.focus();
  }

  #draw() {
    const { rank, level, threshold, drawing, unit } = this.state();
    this.current?.destroy();
    const draw = drawing === "map" ? drawHeatMap : (host, options) => new LinkView(host, options);
    const onPick = (side, index) => this.#pick(side, index);
    this.current = new AttentionView(this.view, this.drawn, {
      rank,
      level,
      threshold,
      draw,
      onPick,
      languages: this.languages(),
    });
    this.current.root.classList.toggle("as-lines", drawing === "lines");
    this.legend.replaceChildren(...this.#legend());
    this.current.root.append(this.legend); // right below what it explains, however long the word's panel is
    this.#markUnsure();
    this.#markWarnings();
    if (unit !== null && unit < this.current.reading.rows.length) this.#openPanel(unit);
    else this.panel.close();
  }

  /** The text of a side that is to be seen: with lines between them, the drawing has texts of its own. */
  #line(side) {
    return this.state().drawing === "lines" ? this.current.map[side] : this.current[side];
  }

  #legend() {
    const { drawing, threshold } = this.state();
    const { verb, preposition } = this.current.reading.wording;
    const scale = [element("span", {}, `${verb} ${preposition}: 0`, element("span", { class: "scale" }), "100\u00a0%")];
    const unsure = element(
      "span",
      {},
      element("span", { class: "example unsure" }, "dotted"),
      ": probability below 50\u00a0%",
    );
    const warned = element(
      "span",
      {},
      element("span", { class: "example warned" }, "wavy"),
      ": a warning sign",
    );
    return [...(drawing === "map" && threshold === null ? scale : []), unsure, warned];
  }

  #pick(side, index) {
    if (side === "target") {
      this.#choose(this.state().unit === index ? null : index);
      return;
    }
    const { held } = this.current;
    const again = held && held[1] === index;
    this.current.hold(this.state().unit, again ? null : index);
  }

  #choose(unit) {
    this.change({ unit, pins: [] });
    if (unit === null) {
      this.panel.close();
      this.current.root.classList.remove("with-panel");
      this.current.hold(null, null);
    } else {
      this.#openPanel(unit);
    }
  }

  #openPanel(unit) {
    const { root, reading } = this.current;
    if (!this.panel.host.isConnected) root.insertBefore(this.panel.host, root.querySelector(".drawing"));
    root.classList.add("with-panel");
    this.current.hold(unit, null);
    this.panel.show(reading, unit);
  }

  #markUnsure() {
    for (const [index, span] of this.#line("target").spans) {
      span.classList.toggle("unsure", this.current.reading.probabilities[index] < 0.5);
    }
  }

  /** The spans of a side that belong to the given words, at whichever level is shown. */
  #spansOf(side, words) {
    const segmentation = side === "source" ? this.drawn.source : this.current.reading.hypothesis;
    const wordOf =
      this.state().level === "words" ? (index) => index : (index) => segmentation.piece_to_word[index];
    return [...this.#line(side).spans]
      .filter(([index]) => words.includes(wordOf(index)))
      .map(([, span]) => span);
  }

  #markWarnings() {
    const signs = new Map();
    for (const sign of this.current.reading.hypothesis.warnings ?? []) {
      for (const span of this.#spansOfSign(sign)) {
        signs.set(span, (signs.get(span) ?? new Set()).add(signName(sign.kind)));
      }
    }
    for (const [span, names] of signs) {
      span.classList.add("warned");
      const label = `${span.getAttribute("aria-label")}, warning sign: ${[...names].join(", ")}`;
      span.setAttribute("aria-label", label);
    }
    this.#markWarning(this.pointedOut);
  }

  #spansOfSign(sign) {
    return [...this.#spansOf("source", sign.source_words), ...this.#spansOf("target", sign.target_words)];
  }

  /** Brings out the words of one warning sign; null of none. */
  #markWarning(sign) {
    this.pointedOut = sign; // the spans are made anew when another level or drawing is chosen
    for (const span of this.view.querySelectorAll(".unit.pointed-out")) span.classList.remove("pointed-out");
    if (!sign) return;
    for (const span of this.#spansOfSign(sign)) span.classList.add("pointed-out");
  }
}
