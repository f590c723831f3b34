/** Starts the page and keeps its state: what is asked, what was answered, which view shows it. */

import { Asker, ask, ServerProblem } from "./api.js";
import { AttentionTab } from "./attention_tab.js";
import { BeamTab } from "./beam_tab.js";
import { CompareTab } from "./compare_tab.js";
import { startTabs } from "./controls.js";
import { element } from "./dom.js";
import { hypothesisList } from "./hypothesis_list.js";
import { languagesOf, modelNamed } from "./models.js";
import { QuestionForm } from "./question_form.js";
import { startTheme } from "./theme.js";
import { END_LABEL, textOfPieces } from "./units.js";
import { fromFragment, searchOf, START, toFragment } from "./view_state.js";
import { WhyTab } from "./why_tab.js";

const byId = (id) => document.getElementById(id);
const NOTHING = "There is nothing to translate.";
const WITHOUT_PREFIX = "Translate goes on without the beginning that the link had.";
const TABS = { attention: "Attention", beam: "Beam", why: "Why this word", compare: "Compare" };

/** What is asked of the server for a state. */
function questionOf(state) {
  const { sentence, prefix, nBest } = state;
  return {
    sentences: [sentence],
    prefix,
    ...searchOf(state),
    ...(nBest === null ? {} : { n_best: nBest }),
  };
}

class Page {
  constructor({ models, limits }) {
    this.models = models;
    this.translation = null; // the answer that is shown
    this.restoring = false; // whether the address says something else, which has been asked
    this.current = START; // what it answers and how it is shown; a question counts once it has been answered
    this.form = new QuestionForm(models, limits, (question) => this.#onQuestion(question));
    this.asker = new Asker((isBusy) => this.#showBusy(isBusy));
    const options = {
      models,
      state: () => this.current,
      shown: () => this.translation,
      languages: () => this.#languages(),
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

  #languages() {
    return languagesOf(modelNamed(this.models, this.current.model));
  }

  /** Shows what the address says; nothing is asked when it says what is shown already. */
  #restore() {
    const addressed = fromFragment(location.hash);
    this.asker.cancel();
    this.restoring = false;
    this.form.complain();
    this.form.show(addressed);
    if (!this.translation) this.current = addressed;
    if (!addressed.sentence.trim()) {
      this.#showNothing(addressed);
      byId("welcome").hidden = false;
      this.form.sentence.focus();
    } else if (this.form.tooLong(addressed.sentence)) {
      this.#showNothing(addressed);
      this.form.complain(this.form.tooLong(addressed.sentence));
    } else if (!this.translation || location.hash.slice(1) !== toFragment(this.current)) {
      this.#translate(addressed, { fromAddress: true });
    }
  }

  /** Takes the answer away, so that nothing can be asked about it in a state that is not its own. */
  #showNothing(state) {
    this.current = state;
    this.translation = null;
    byId("answer").hidden = true;
    byId("status").replaceChildren();
  }

  #change(changes, { newEntry = false } = {}) {
    this.current = { ...this.current, ...changes };
    // Until what the address says has been answered, the address is not of what is shown.
    if (this.restoring) return;
    const address = `#${toFragment(this.current)}`;
    if (newEntry && address !== location.hash) history.pushState(null, "", address);
    else history.replaceState(null, "", address);
  }

  #onQuestion(question) {
    const sameSentence =
      question.sentence === this.current.sentence &&
      question.model === modelNamed(this.models, this.current.model).name;
    const prefix = sameSentence ? this.current.prefix : START.prefix;
    this.#translate({ ...question, prefix, rank: 0, unit: null, pins: [] });
  }

  /** Asks for a state with changes; until its answer is there, the shown one stays, with its own state. */
  async #translate(changes, { fromAddress = false } = {}) {
    this.form.complain();
    byId("status").replaceChildren();
    const body = questionOf({ ...this.current, ...changes });
    this.restoring = fromAddress;
    let answer;
    try {
      answer = await this.asker.latest((question) => question("api/translate", body));
    } catch (error) {
      this.restoring = false;
      const isOld = fromAddress && error.code === "unknown_piece"; // its beginning was chosen with other weights
      const { prefix } = isOld ? START : body;
      if (fromAddress) this.#showNothing({ ...this.current, ...changes, prefix });
      this.form.complain(isOld ? `${error.message} ${WITHOUT_PREFIX}` : error.message);
      return;
    }
    if (!answer) return;
    this.restoring = false;
    const focused = document.activeElement?.closest(".alternatives, .beam-tree, #notices");
    this.#change(changes, { newEntry: !fromAddress }); // the browser's Back goes to what was asked before
    [this.translation] = answer.translations;
    this.#showAnswer();
    this.#announce();
    if (focused && this.translation.hypotheses.length) this.#focusWhereItGoesOn();
  }

  /** What was clicked is gone: the keyboard goes on at the replaced word, or at the end of what was chosen. */
  #focusWhereItGoesOn() {
    const { unit, prefix, tab } = this.current;
    if (tab !== "attention") byId(`tab-${tab}`).focus();
    else if (unit !== null) this.views.attention.focusTarget(unit);
    else this.views.attention.focusPiece(Math.max(prefix.length - 1, 0));
  }

  #showBusy(isBusy) {
    document.body.classList.toggle("busy", isBusy);
    byId("answer").setAttribute("aria-busy", String(isBusy));
    byId("status").classList.toggle("unseen", !isBusy);
    byId("status").textContent = isBusy ? "Translating …" : "";
  }

  /** Tells those who do not see it arrive what was translated. */
  #announce() {
    const hypothesis = this.translation.hypotheses[this.current.rank];
    const text = element("bdi", { lang: this.#languages().target }, hypothesis?.text || "(nothing)");
    const said = hypothesis ? ["Translation: ", text] : [NOTHING];
    byId("status").replaceChildren(...said);
  }

  #showAnswer() {
    const { hypotheses, note } = this.translation;
    byId("welcome").hidden = true;
    byId("answer").hidden = false;
    this.#showNotices(note);
    const some = hypotheses.length > 0;
    byId("tabs").hidden = !some;
    if (!some) {
      byId("hypotheses").replaceChildren(element("p", { class: "hint" }, NOTHING));
      for (const tab of Object.keys(TABS)) byId(`panel-${tab}`).hidden = true;
      return;
    }
    if (this.current.rank >= hypotheses.length) this.#change({ rank: 0 });
    const choose = (rank) => {
      this.#change({ rank, unit: null, pins: [] });
      byId("status").replaceChildren(); // it told of another one
      this.#showView();
    };
    byId("hypotheses").replaceChildren(
      ...(hypotheses.length > 1
        ? [hypothesisList(hypotheses, this.current.rank, this.#languages().target, choose)]
        : []),
    );
    this.#showView();
  }

  #showNotices(note) {
    const notices = note ? [element("p", { class: "notice" }, note)] : [];
    const { prefix } = this.current;
    if (prefix.length) {
      const release = element("button", { type: "button", class: "quiet" }, "Let the model choose");
      release.addEventListener("click", () => this.#translate({ prefix: [], rank: 0, unit: null, pins: [] }));
      const quoted = element(
        "bdi",
        { class: "quoted", lang: this.#languages().target },
        textOfPieces(prefix),
      );
      const ending = prefix.at(-1) === END_LABEL ? [" (end)"] : [];
      const chosen = ["You chose how it begins: ", quoted, ...ending, release];
      notices.push(element("p", { class: "notice" }, ...chosen));
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
