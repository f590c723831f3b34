"""Joey NMT, measured by its own training loop and its own search.

    benchmarks/.peers/bin/python -m benchmarks.peers.joeynmt_side --measure training --output FILE

Runs in the peers' environment (`make bench-peers`), never in the project's own.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

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

os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))  # before PyTorch is loaded

import torch
from importlib_metadata import version
from joeynmt.batch import Batch
from joeynmt.config import BaseConfig, parse_global_args, set_validation_args
from joeynmt.prediction import prepare
from joeynmt.search import search
from joeynmt.training import TrainManager

from benchmarks.peers.corpus import (
    BATCH_SIZE,
    LATENCY_LENGTH,
    SENTENCE_LENGTH,
    PeerCorpus,
    latency_sentence,
    peer_corpus,
    vocabulary,
    write_text,
)
from benchmarks.peers.joeynmt_repair import repair_joeynmt

STEPS_PER_RUN = 4
DECODED_BATCHES = 8


def main() -> None:
    arguments = parse_arguments(__doc__, precisions=("float32", "bfloat16"))
    torch.set_num_threads(THREADS)
    if arguments.precision == "bfloat16":
        # Joey NMT has no option for it on a CPU; this is the one line of PyTorch that somebody would add.
        torch.set_float32_matmul_precision("medium")
    logging.disable(logging.INFO)
    repair_joeynmt()
    result = SideResult("Joey NMT", f"{version('joeynmt')} (PyTorch {torch.__version__})")
    with tempfile.TemporaryDirectory() as folder:
        joey = JoeyNMT(Path(folder))
        measures: dict[str, Measure] = {
            "training": joey.training_rates,
            "greedy": partial(joey.decoding_rates, 1),
            "beam5": partial(joey.decoding_rates, 5),
            "latency": joey.latencies,
        }
        for measure in arguments.measure:
            result.runs[measure] = measures[measure](arguments.seconds)
        result.notes.append(f"{joey.parameter_count():,} parameters")
        result.notes.append(f"matrix products with {arguments.precision} operands")
    result.write(arguments.output)


class TimedTrainManager(TrainManager):
    """Joey NMT's training loop, which also keeps the rates that it logs, and ends when it is time."""

    def __init__(self, *, seconds: float, **settings: Any) -> None:
        super().__init__(rank=0, **settings)
        self.rates: list[float] = []
        self.seconds = seconds
        self.warm_from: float | None = None

    def _log_scores(
        self,
        epoch_no: int,
        elapsed_time: float,
        start_tokens: int,
        start_correct: int,
        total_batch_loss: float,
    ) -> None:
        super()._log_scores(epoch_no, elapsed_time, start_tokens, start_correct, total_batch_loss)
        now = time.perf_counter()
        if self.warm_from is None:
            self.warm_from = now + WARM_UP_SECONDS
        elif now - elapsed_time >= self.warm_from:
            self.rates.append((self.stats.total_tokens - start_tokens) / elapsed_time)
        if now >= self.warm_from + self.seconds and len(self.rates) >= FEWEST_RUNS:
            self.stats.is_max_update = True


class JoeyNMT:
    """A fresh model of the reference sizes, and the corpus, as Joey NMT builds them from a configuration."""

    def __init__(self, folder: Path) -> None:
        write_text(peer_corpus(), folder / "train")
        write_text(peer_corpus(DECODED_BATCHES * BATCH_SIZE, seed=3), folder / "dev")
        write_text(PeerCorpus(latency_sentence(), latency_sentence()), folder / "test")
        (folder / "vocabulary").write_text("".join(f"{word}\n" for word in vocabulary()))
        self.settings: BaseConfig = parse_global_args(_configuration(folder), rank=0, mode="train")
        (folder / "model").mkdir()
        self.model, self.train_data, self.dev_data, self.test_data = prepare(
            self.settings, rank=0, mode="train"
        )

    def parameter_count(self) -> int:
        return sum(each.numel() for each in self.model.parameters())

    def training_rates(self, seconds: float) -> list[float]:
        """Target tokens per second of every few steps of its loop, data loading included."""
        trainer = TimedTrainManager(
            seconds=seconds,
            model=self.model,
            model_dir=self.settings.model_dir,
            device=self.settings.device,
            autocast=self.settings.autocast,
            seed=self.settings.seed,
            train_args=self.settings.train,
            dev_args=set_validation_args(self.settings.test),
        )
        trainer.train_and_validate(train_data=self.train_data, valid_data=self.dev_data)
        return trainer.rates

    def decoding_rates(self, beam_size: int, seconds: float) -> list[float]:
        """Target tokens per second of the search over each batch."""
        batches = cycle(self._batches(self.dev_data, BATCH_SIZE))
        return token_rates(lambda: self._search(next(batches), beam_size, SENTENCE_LENGTH), seconds)

    def latencies(self, seconds: float) -> list[float]:
        """Milliseconds of the search for one sentence of twelve words with beam 5."""
        (batch,) = self._batches(self.test_data, 1)
        return milliseconds(lambda: self._search(batch, 5, LATENCY_LENGTH), seconds)

    def _batches(self, data: Any, batch_size: int) -> list[Batch]:
        model = self.model
        batches = list(data.make_iter(batch_size, pad_index=model.pad_index, eos_index=model.eos_index))
        for batch in batches:
            batch.sort_by_src_length()
        return batches

    def _search(self, batch: Batch, beam_size: int, length: int) -> int:
        """Translate a batch into sentences of exactly `length` tokens; returns how many tokens that were."""
        self.model.eval()
        tokens, _, _ = search(
            model=self.model,
            batch=batch,
            beam_size=beam_size,
            beam_alpha=1.0,
            max_output_length=length,
            # `predict` has no way to pass this on, which is why the search is called directly.
            min_output_length=length,
        )
        assert tokens.shape == (batch.nseqs, length), tokens.shape
        return int(tokens.size)


def _configuration(folder: Path) -> dict[str, Any]:
    """The reference architecture and batch, in the words of Joey NMT's configuration files."""

    def side(language: str) -> dict[str, Any]:
        return {"lang": language, "level": "word", "voc_file": str(folder / "vocabulary")}

    def recurrent(units: int, **more: Any) -> dict[str, Any]:
        return {
            "type": "recurrent",
            "rnn_type": "gru",
            "embeddings": {"embedding_dim": 256, "dropout": 0.0},
            "hidden_size": units,
            "num_layers": 1,
            "dropout": 0.0,
            **more,
        }

    return {
        "name": "benchmark",
        "model_dir": str(folder / "model"),
        "use_cuda": False,
        "random_seed": 1,
        "data": {
            **{split: str(folder / split) for split in ("train", "dev", "test")},
            "src": side("source"),
            "trg": side("target"),
        },
        "training": {
            "optimizer": "adam",
            "learning_rate": 0.0002,
            "learning_rate_min": 0.0,
            "scheduling": "plateau",
            "clip_grad_norm": 1.0,
            "normalization": "tokens",
            "batch_size": BATCH_SIZE,
            "batch_type": "sentence",
            "epochs": 1_000_000,
            "logging_freq": STEPS_PER_RUN,
            "validation_freq": 1_000_000 * STEPS_PER_RUN,
            "keep_best_ckpts": 0,
        },
        "testing": {"batch_size": BATCH_SIZE},
        "model": {
            "encoder": recurrent(256, bidirectional=True),
            "decoder": recurrent(
                512, attention="bahdanau", input_feeding=True, init_hidden="bridge", hidden_dropout=0.0
            ),
        },
    }


if __name__ == "__main__":
    main()
