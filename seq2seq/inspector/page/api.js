/** Asking the server: plain errors, and only the newest answer counts. */

const BUSY_AFTER_MILLISECONDS = 300;

/** Something a person can read; `code` is the server's, or "unreachable". */
export class ServerProblem extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/**
 * Sends one request.
 *
 * @param {string} path such as "api/translate", relative to the page
 * @param {object|null} body JSON to post; null reads
 * @param {AbortSignal} [signal]
 * @returns {Promise<object>} the answer's JSON
 * @throws {ServerProblem} when there is no answer, or one that says what is wrong
 */
export async function ask(path, body = null, signal = undefined) {
  const post = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(path, { ...(body === null ? {} : post), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServerProblem(
      "The server does not answer. Is serve.py still running? Start it again, then retry.",
      "unreachable",
    );
  }
  let content;
  try {
    content = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServerProblem(
      `The server's answer (status ${response.status}) could not be read. Please retry.`,
      "unreadable",
    );
  }
  if (!response.ok) {
    const { message, code } = content.error ?? {};
    throw new ServerProblem(
      message ?? `The server refused, with status ${response.status}.`,
      code ?? "unknown",
    );
  }
  return content;
}

/**
 * A place of the page that shows one answer at a time. A new question gives the older one up, so that a slow answer
 * never overwrites a newer one.
 */
export class Asker {
  #current = null;

  /** @param {(busy: boolean) => void} [onBusy] called with true when an answer takes long, with false at its end */
  constructor(onBusy = () => {}) {
    this.onBusy = onBusy;
  }

  /** Gives up what is being asked. */
  cancel() {
    if (!this.#current) return;
    this.#current.abort();
    this.#current = null;
    this.onBusy(false);
  }

  /**
   * Asks, perhaps several things at once.
   *
   * @param {(ask: (path: string, body: object) => Promise<object>) => Promise<T>} question
   * @returns {Promise<T|null>} null when a newer question has been asked meanwhile
   * @template T
   */
  async latest(question) {
    this.cancel();
    const controller = new AbortController();
    this.#current = controller;
    const busy = setTimeout(() => this.#current === controller && this.onBusy(true), BUSY_AFTER_MILLISECONDS);
    try {
      const answer = await question((path, body) => ask(path, body, controller.signal));
      return this.#current === controller ? answer : null;
    } catch (error) {
      if (this.#current !== controller) return null;
      throw error;
    } finally {
      clearTimeout(busy);
      if (this.#current === controller) {
        this.#current = null;
        this.onBusy(false);
      }
    }
  }
}
