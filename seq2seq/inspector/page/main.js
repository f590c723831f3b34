/** Starts the page and keeps its state: what is asked, what was answered, which view shows it. */

import { Asker, ask, ServerProblem } from "./api.js";
import { AttentionTab } from "./attention_tab.js";
import { BeamTab } from "./beam_tab.js";
import { CompareTab } from "./compare_tab.js";
import { startTabs } from "./controls.js";
import { element } from "./dom.js";
import { hypothesisList } from "./hypothesis_list.js";
import { QuestionForm } from "./question_form.js";
import { startTheme } from "./theme.js";
import { fromFragment, searchOf, START, toFragment } from "./view_state.js";
import { WhyTab } from "./why_tab.js";

const byId = (id) => document.getElementById(id);
const TABS = { attention: "Attention", beam: "Beam", why: "Why this word", compare: "Compare" };

class Page {
  constructor({ models, limits }) {
    this.current = fromFragment(location.hash);
    this.translation = null;
    this.form = new QuestionForm(models, limits, (question) => this.#onQuestion(question));
    this.asker = new Asker((isBusy) => this.#showBusy(isBusy));
    const options = {
      models,
      state: () => this.current,
      change: (changes) => this.#change(changes),
      translate: (changes) => this.#translate(changes),
    };
    this.views = {
      attention: new AttentionTab(byId("panel-attention"), options),
      beam: new BeamTab(byId("panel-beam"), options),
      why: new WhyTab(byId("panel-why"), options),
      compare: new CompareTab(byId("panel-compare"), options),
    };
    this.showTab = startTabs(byId("tabs"), TABS, (tab) => {
      this.#change({ tab });
      this.#showView();
    });
    window.addEventListener("hashchange", () => this.#restore());
    this.#restore();
  }

  /** Shows what the address says; nothing happens when it says what is shown already. */
  #restore() {
    if (this.translation && location.hash.slice(1) === toFragment(this.current)) return;
    this.current = fromFragment(location.hash);
    this.form.show(this.current);
    if (this.current.sentence.trim()) this.#translate({}, { fromAddress: true });
    else this.form.sentence.focus();
  }

  #change(changes, { newEntry = false } = {}) {
    this.current = { ...this.current, ...changes };
    const address = `#${toFragment(this.current)}`;
    if (newEntry && address !== location.hash) history.pushState(null, "", address);
    else history.replaceState(null, "", address);
  }

  #onQuestion(question) {
    const sameSentence =
      question.sentence === this.current.sentence &&
      question.model === (this.current.model ?? question.model);
    const prefix = sameSentence ? this.current.prefix : START.prefix;
    this.#translate({ ...question, prefix, rank: 0, unit: null, pins: [] });
  }

  async #translate(changes, { fromAddress = false } = {}) {
    const focusIn = document.activeElement?.closest?.(".alternatives, #notices");
    const unit = { ...this.current, ...changes }.unit;
    if (!fromAddress) this.#change(changes, { newEntry: true }); // the browser's Back goes to what was asked before
    this.form.complain();
    const { sentence, prefix, nBest } = this.current;
    const body = {
      sentences: [sentence],
      prefix,
      ...searchOf(this.current),
      ...(nBest === null ? {} : { n_best: nBest }),
    };
    try {
      const answer = await this.asker.latest((question) => question("api/translate", body));
      if (!answer) return;
      [this.translation] = answer.translations;
      this.#showAnswer();
      if (focusIn && this.translation.hypotheses.length) this.views.attention.focusTarget(unit ?? 0);
    } catch (error) {
      this.form.complain(error.message);
    }
  }

  #showBusy(isBusy) {
    document.body.classList.toggle("busy", isBusy);
    byId("answer").setAttribute("aria-busy", String(isBusy));
    byId("status").textContent = isBusy ? "Translating …" : "";
  }

  #showAnswer() {
    const { hypotheses, note } = this.translation;
    byId("welcome").hidden = true;
    byId("answer").hidden = false;
    this.#showNotices(note);
    const some = hypotheses.length > 0;
    byId("tabs").hidden = !some;
    if (!some) {
      byId("hypotheses").replaceChildren(element("p", { class: "hint" }, "There is nothing to translate."));
      for (const tab of Object.keys(TABS)) byId(`panel-${tab}`).hidden = true;
      return;
    }
    if (this.current.rank >= hypotheses.length) this.#change({ rank: 0 });
    const choose = (rank) => {
      this.#change({ rank, unit: null, pins: [] });
      this.#showView();
    };
    byId("hypotheses").replaceChildren(
      ...(hypotheses.length > 1 ? [hypothesisList(hypotheses, this.current.rank, choose)] : []),
    );
    this.#showView();
  }

  #showNotices(note) {
    const notices = note ? [element("p", { class: "notice" }, note)] : [];
    const { prefix } = this.current;
    if (prefix.length) {
      const begin = prefix
        .filter((piece) => piece !== "</s>")
        .join("")
        .replaceAll("▁", " ")
        .trim();
      const release = element("button", { type: "button", class: "quiet" }, "Let the model choose");
      release.addEventListener("click", () => this.#translate({ prefix: [], rank: 0, unit: null, pins: [] }));
      const quoted = element(
        "bdi",
        { class: "quoted" },
        `${begin}${prefix.at(-1) === "</s>" ? " (end)" : ""}`,
      );
      notices.push(element("p", { class: "notice" }, "You chose how it begins: ", quoted, release));
    }
    byId("notices").replaceChildren(...notices);
  }

  #showView() {
    const { tab } = this.current;
    this.showTab(tab);
    this.views[tab].show(this.translation);
  }
}

async function start() {
  startTheme(byId("theme"), byId("theme-name"));
  try {
    new Page(await ask("api/models"));
  } catch (error) {
    const problem = byId("question-problem");
    problem.textContent = error.message;
    problem.hidden = false;
    if (!(error instanceof ServerProblem)) throw error;
  }
}

start();
