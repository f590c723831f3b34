/** Asking where the words of a translation came from, now that they are known. */

import { Asker } from "./api.js";
import { Progress } from "./controls.js";
import { piecesWithEnd } from "./pin_panel.js";
import { modelOf } from "./view_state.js";

const READ_FROM_ATTENTION = ["attention_weights", "word_attention", "alignment"];

function questionOf(translation, state) {
  const target = piecesWithEnd(translation.hypotheses[state.rank]);
  const pairs = [{ source: translation.source.text, target_pieces: target }];
  return { pairs, attention: "posterior", ...modelOf(state) };
}

/** Remembers the last answer, so that going back and forth asks nothing. */
export class Posterior {
  constructor() {
    this.progress = new Progress("Finding out where each word came from …");
    this.asker = new Asker(this.progress.busy);
    this.answered = null; // what was asked, as text
    this.answer = null;
  }

  /** Gives up what is being asked. */
  cancel() {
    this.asker.cancel();
    this.progress.clear();
  }

  /**
   * The translation in which the hypothesis that is shown has its posterior attention; null if that is not known.
   *
   * All else, warnings and confidence too, stays what was found when it was translated.
   */
  known(translation, state) {
    if (JSON.stringify(questionOf(translation, state)) !== this.answered) return null;
    const [found] = this.answer.hypotheses;
    const posterior = Object.fromEntries(READ_FROM_ATTENTION.map((name) => [name, found[name]]));
    const hypotheses = translation.hypotheses.map((each, rank) =>
      rank === state.rank ? { ...each, attention: "posterior", ...posterior } : each,
    );
    // A source that was cut can have other pieces at its end when it comes without the rest.
    return { ...translation, source: this.answer.source, hypotheses };
  }

  /**
   * Asks for what `known` then knows.
   *
   * @returns {Promise<boolean>} false when it was given up meanwhile
   * @throws {ServerProblem} see `ask`
   */
  async ask(translation, state) {
    const body = questionOf(translation, state);
    const found = await this.asker.latest((ask) => ask("api/score", body));
    if (!found) return false;
    [this.answer] = found.translations;
    this.answered = JSON.stringify(body);
    return true;
  }
}
