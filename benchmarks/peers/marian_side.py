"""Marian, measured by its own log in training and through its translation service in decoding.

    benchmarks/.peers/bin/python -m benchmarks.peers.marian_side --measure training --output FILE

Runs in the peers' environment (`make bench-peers`), never in the project's own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.peers.corpus import (
    BATCH_SIZE,
    LATENCY_LENGTH,
    SENTENCE_LENGTH,
    VOCABULARY_SIZE,
    PeerCorpus,
    latency_sentence,
    lines_of,
    peer_corpus,
    vocabulary,
    write_text,
)
from benchmarks.peers.measurement import (
    FEWEST_RUNS,
    THREADS,
    WARM_UP_SECONDS,
    Measure,
    SideResult,
    milliseconds,
    parse_arguments,
    token_rates,
)

UPDATES_PER_RUN = 4
_MARIAN = (sys.executable, "-m", "pymarian")
_SPECIAL_WORDS = ("</s>", "<unk>")  # ids 0 and 1
# "Ep. 1 : Up. 8 : Sen. 512 : Cost 8.9 * 4,096 @ 1,024 after 8,192 : Time 3.43s : 1193.49 words/s : ..."
_PROGRESS = re.compile(r"Up\. [\d,]+ .* \* ([\d,]+) @ [\d,]+ after [\d,]+ : Time ([\d.]+)s")


def main() -> None:
    # Marian has threads of its own; those of the library for matrix products would come on top.
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
    arguments = parse_arguments(__doc__)
    result = SideResult("Marian", f"{version('pymarian')} (pymarian)")
    with tempfile.TemporaryDirectory() as folder:
        marian = Marian(Path(folder))
        measures: dict[str, Measure] = {
            "training": marian.training_rates,
            "greedy": partial(marian.decoding_rates, 1),
            "beam5": partial(marian.decoding_rates, 5),
            "latency": marian.latencies,
        }
        for measure in arguments.measure:
            result.runs[measure] = measures[measure](arguments.seconds)
        result.notes.append(f"{marian.parameter_count():,} parameters")
        result.notes.append(f"matrix products with {arguments.precision} operands")
    result.write(arguments.output)


class Marian:
    """A fresh model of the sizes nearest to the reference, and the corpus as text."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.vocabulary_path = folder / "vocabulary.yml"
        words = (*_SPECIAL_WORDS, *vocabulary(VOCABULARY_SIZE - len(_SPECIAL_WORDS)))
        self.vocabulary_path.write_text("".join(f'"{word}": {number}\n' for number, word in enumerate(words)))
        self._weights: dict[str, np.ndarray] = {}

    def parameter_count(self) -> int:
        return sum(
            each.size for name, each in self._fresh_weights().items() if not name.startswith("special:")
        )

    def training_rates(self, seconds: float) -> list[float]:
        """Target tokens per second between the lines of its log, until enough time has passed."""
        command = self._training_command("trained", peer_corpus(), "--disp-freq", str(UPDATES_PER_RUN))
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            try:
                return _logged_rates(process.stderr, seconds)
            finally:
                process.terminate()

    def decoding_rates(self, beam_size: int, seconds: float) -> list[float]:
        """Target tokens per second of each call of its translation service with one batch for each thread."""
        lines = lines_of(peer_corpus(THREADS * BATCH_SIZE, seed=3).source)
        translate = self._translator(beam_size, BATCH_SIZE)
        return token_rates(lambda: _translated(translate, lines, SENTENCE_LENGTH), seconds)

    def latencies(self, seconds: float) -> list[float]:
        """Milliseconds of a call with one sentence of twelve words and beam 5."""
        translate = self._translator(5, 1)
        return milliseconds(
            lambda: _translated(translate, lines_of(latency_sentence()), LATENCY_LENGTH), seconds
        )

    def _translator(self, beam_size: int, batch_size: int) -> object:
        from pymarian import Translator

        weights = dict(self._fresh_weights())
        # Marian has no least length; a model that never wants to end writes sentences of the greatest.
        bias = weights["decoder_ff_logit_l2_b"].copy()
        bias[0, _SPECIAL_WORDS.index("</s>")] = -1e9
        model = self.folder / "endless.npz"
        np.savez(model, **{**weights, "decoder_ff_logit_l2_b": bias})
        options = {
            "models": model,
            "vocabs": [self.vocabulary_path] * 2,
            "cpu-threads": THREADS,
            "beam-size": beam_size,
            "mini-batch": batch_size,
            "maxi-batch": 100 if batch_size > 1 else 1,
            "max-length-factor": 1,  # as many tokens as the source has with its EOS
            # With one hypothesis there is nothing to compare, so the softmax can be left out.
            **({"skip-cost": ""} if beam_size == 1 else {}),
            "quiet": "",
            "quiet-translation": "",
        }
        return Translator(**options)

    def _fresh_weights(self) -> dict[str, np.ndarray]:
        """Weights as Marian draws them; it only writes a model after an update, so that is a tiny one."""
        if not self._weights:
            corpus = peer_corpus(BATCH_SIZE)
            options = ("--after-batches", "1", "--learn-rate", "1e-9")
            command = self._training_command("fresh", corpus, *options)
            ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
            if ended.returncode != 0:
                raise RuntimeError(f"Marian did not write a model:\n{ended.stderr}")
            with np.load(self.folder / "fresh.npz") as model:
                self._weights = dict(model)
        return self._weights

    def _training_command(self, name: str, corpus: PeerCorpus, *more: str) -> list[str]:
        source, target = write_text(corpus, self.folder / name)
        options = {
            "model": f"{self.folder / name}.npz",
            "train-sets": (source, target),
            "vocabs": (self.vocabulary_path, self.vocabulary_path),
            "tempdir": self.folder,
            "type": "s2s",
            "enc-cell": "gru",
            "dec-cell": "gru",
            "dim-vocabs": (VOCABULARY_SIZE, VOCABULARY_SIZE),
            "dim-emb": 256,
            "dim-rnn": 512,
            "mini-batch": BATCH_SIZE,
            # Asynchronous: each thread has its own batch of 64. `--sync-sgd` is a little slower, and there
            # are no threads inside the matrix products: MKL is built in without them.
            "cpu-threads": THREADS,
            "data-threads": 1,
            "workspace": 2048,
            "clip-norm": 1,
            "seed": 1,
            "save-freq": 1_000_000,
            "sigterm": "exit-immediately",
        }
        if "--learn-rate" not in more:
            options["learn-rate"] = 0.0002
        command = [*_MARIAN, "train", "--shuffle-in-ram", "--overwrite", *more]
        for option, values in options.items():
            values = values if isinstance(values, tuple) else (values,)
            command += [f"--{option}", *map(str, values)]
        return command


def _logged_rates(log: Iterable[str], seconds: float) -> list[float]:
    """Target tokens per second of each line of progress after the warm-up, until enough time has passed.

    Args:
        log: Marian's log, line by line as it is written.
        seconds: how long to read it after the warm-up.

    Raises:
        RuntimeError: the log ended before.
    """
    rates: list[float] = []
    last_lines: deque[str] = deque(maxlen=20)
    warm_from: float | None = None
    for line in log:
        last_lines.append(line)
        progress = _PROGRESS.search(line)
        if progress is None:
            continue
        now, tokens, elapsed = time.perf_counter(), int(progress[1].replace(",", "")), float(progress[2])
        if warm_from is None:  # the first line, with all that happens once
            warm_from = now + WARM_UP_SECONDS
        elif now - elapsed >= warm_from:
            rates.append(tokens / elapsed)
        if now >= warm_from + seconds and len(rates) >= FEWEST_RUNS:
            return rates
    raise RuntimeError(f"Marian stopped training:\n{''.join(last_lines)}")


def _translated(translator: object, lines: list[str], length: int) -> int:
    """Translate; returns how many tokens were really written, which must be `length` for each sentence."""
    translations = translator.translate(lines)  # type: ignore[attr-defined]
    lengths = [len(line.split()) for line in translations]
    assert lengths == [length] * len(lines), lengths
    return sum(lengths)


if __name__ == "__main__":
    main()
