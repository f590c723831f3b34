"""Joey NMT, trained on text files for so many minutes by its own training loop, and what it translates then.

    benchmarks/.peers/bin/python -m benchmarks.peers.joeynmt_quality FOLDER

Runs in the peers' environment (`make bench-peers`), never in the project's own. FOLDER holds what
`translation_quality.py` has written there: `task.json`, and `train`, `validation` and the test sets, a
sentence a line, each in both languages. Joey NMT's own directory, `joeynmt.json` and `SET.translated` come
beside them.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from pathlib import Path
from typing import Any

from seq2seq.processor import core_count

os.environ.setdefault("OMP_NUM_THREADS", str(core_count()))  # before PyTorch is loaded

import torch
from importlib_metadata import version
from joeynmt.config import BaseConfig, parse_global_args, set_validation_args
from joeynmt.data import load_data
from joeynmt.prediction import predict, prepare
from joeynmt.training import TrainManager
from sentencepiece import SentencePieceProcessor

from benchmarks.peers.joeynmt_repair import repair_joeynmt
from data.atomic import atomic_write

# The clock is looked at each time the loop reports.
STEPS_BETWEEN_REPORTS = 20
SPECIAL_PIECES = 4  # of this project's tokenizers: pad, unknown, begin and end; Joey NMT has its own


def main() -> None:
    folder = _parse_arguments().folder
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    torch.set_num_threads(core_count())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    repair_joeynmt()
    _write_vocabularies(folder, task)
    settings = parse_global_args(_configuration(folder, task), rank=0, mode="train")
    settings.model_dir.mkdir()
    model, train, validation, _ = prepare(settings, rank=0, mode="train")
    trainer = TrainManagerWithClock(
        minutes=task["minutes"],
        rank=0,
        model=model,
        model_dir=settings.model_dir,
        device=settings.device,
        autocast=settings.autocast,
        seed=settings.seed,
        train_args=settings.train,
        dev_args=set_validation_args(settings.test),
    )
    trainer.train_and_validate(train_data=train, valid_data=validation)
    minutes = (time.perf_counter() - trainer.started) / 60
    trainer._validate(validation)
    best = settings.model_dir / f"{trainer.stats.best_ckpt_iter}.ckpt"
    model.load_state_dict(torch.load(best, weights_only=False)["model_state"])
    for name in task["sets"]:
        _translate(folder, name, model, settings)
    _write_facts(folder, trainer, model, minutes)


class TrainManagerWithClock(TrainManager):
    """Joey NMT's training loop, which ends when it is time.

    Args:
        minutes: of training, its validations included.
        settings: for Joey NMT.
    """

    def __init__(self, *, minutes: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.started = time.perf_counter()
        self.seconds = 60 * minutes

    def _log_scores(self, *given: Any, **named: Any) -> None:
        super()._log_scores(*given, **named)
        if time.perf_counter() - self.started >= self.seconds:
            self.stats.is_max_update = True


def _write_vocabularies(folder: Path, task: dict[str, Any]) -> None:
    for side, model_file in task["tokenizers"].items():
        processor = SentencePieceProcessor(model_file=model_file)
        pieces = [processor.id_to_piece(place) for place in range(SPECIAL_PIECES, processor.get_piece_size())]
        (folder / f"{side}.pieces").write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")


def _translate(folder: Path, name: str, model: Any, settings: BaseConfig) -> None:
    settings.data["test"] = str(folder / name)
    *_, test = load_data(cfg=settings.data, datasets=["test"])
    _, _, hypotheses, *_ = predict(
        model=model,
        data=test,
        device=settings.device,
        n_gpu=0,
        compute_loss=False,
        args=settings.test,
        autocast=settings.autocast,
    )
    with atomic_write(folder / f"{name}.translated") as file:
        file.writelines(f"{' '.join(hypothesis.split())}\n" for hypothesis in hypotheses)


def _write_facts(folder: Path, trainer: TrainManager, model: Any, minutes: float) -> None:
    facts = {
        "version": f"{version('joeynmt')} (PyTorch {torch.__version__})",
        "parameters": sum(each.numel() for each in model.parameters()),
        "minutes": round(minutes, 1),
        "threads": torch.get_num_threads(),
        "epochs_begun": trainer.stats.epochs,
        "updates": trainer.stats.steps,
        "best_after_updates": trainer.stats.best_ckpt_iter,
        "best_validation_perplexity": float(trainer.stats.best_ckpt_score),
        "last_learning_rate": trainer.optimizer.param_groups[0]["lr"],
    }
    with atomic_write(folder / "joeynmt.json") as file:
        json.dump(facts, file, indent=1)


def _configuration(folder: Path, task: dict[str, Any]) -> dict[str, Any]:
    """The sizes and the dropout of this project's model, in the words of Joey NMT's configuration files."""

    def side(name: str) -> dict[str, Any]:
        return {
            "lang": task["languages"][name],
            "level": "bpe",
            "voc_file": str(folder / f"{name}.pieces"),
            "tokenizer_type": "sentencepiece",
            "tokenizer_cfg": {"model_file": task["tokenizers"][name], "pretokenizer": "none"},
        }

    sizes = task["model"]

    def recurrent(units: int, **more: Any) -> dict[str, Any]:
        return {
            "type": "recurrent",
            "rnn_type": "gru",
            "embeddings": {"embedding_dim": sizes["embedding"], "dropout": sizes["embedding_dropout"]},
            "hidden_size": units,
            "num_layers": 1,
            "dropout": sizes["dropout"],
            **more,
        }

    return {
        "name": "quality",
        "model_dir": str(folder / "joeynmt"),
        "use_cuda": False,
        "random_seed": task["seed"],
        "normalization": "tokens",
        "data": {
            "train": str(folder / "train"),
            "dev": str(folder / "validation"),
            "test": str(folder / task["sets"][0]),
            "src": side("source"),
            "trg": side("target"),
        },
        "training": {
            "optimizer": "adam",
            "learning_rate": task["learning_rate"],
            "learning_rate_min": 1e-6,
            "scheduling": "plateau",
            "patience": 0,
            "decrease_factor": 0.5,
            "clip_grad_norm": 1.0,
            "normalization": "tokens",
            "label_smoothing": task["label_smoothing"],
            "batch_size": task["batch_size"],
            "batch_type": "sentence",
            "epochs": 1_000_000,
            "logging_freq": STEPS_BETWEEN_REPORTS,
            "validation_freq": STEPS_BETWEEN_REPORTS * task["reports_between_validations"],
            "early_stopping_metric": "ppl",
            "keep_best_ckpts": 1,
        },
        "testing": {"batch_size": 64, "beam_size": task["beam_size"], "beam_alpha": 1.0},
        "model": {
            "tied_embeddings": task["joint"],
            "encoder": recurrent(sizes["encoder"], bidirectional=True),
            "decoder": recurrent(
                sizes["decoder"],
                attention="bahdanau",
                input_feeding=True,
                init_hidden="bridge",
                hidden_dropout=sizes["dropout"],
            ),
        },
    }


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what translation_quality.py has prepared")
    return parser.parse_args()


if __name__ == "__main__":
    main()
