"""How well Joey NMT translates after some minutes of training, beside a model of this project's.

    python -m benchmarks.peers.translation_quality --model tatoeba-en-es --minutes 85

Joey NMT gets the cleaned training pairs, the tokenizer, the sizes and the dropout of the model, and half its
learning rate whenever an epoch has made it no better. Its own loop trains it, on this machine: minutes
compare with those of a model that was trained on the same. Both sides translate the test sets with the same
beam and are scored by the same code. `make bench-peers` sets up the environment that Joey NMT runs in.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.machine import describe_machine
from benchmarks.peers.compare import PEER_PYTHON, ROOT, write_report
from benchmarks.peers.measurement import positive
from data.atomic import atomic_write
from data.cleaning import Cleaner, CleaningRules
from data.errors import UserError
from seq2seq.config import Config
from seq2seq.corpus_loading import load_corpus
from seq2seq.evaluation_rows import score_all_references
from seq2seq.evaluation_sets import sets_of_corpus
from seq2seq.results_tables import DASH, as_number, table
from seq2seq.search_options import run_search_options
from seq2seq.shipped_models import find_model
from seq2seq.startup import prepare_environment, run_command
from seq2seq.text_metrics import TextScorer, bleu_tokenizer_for
from seq2seq.translator import Translator

if TYPE_CHECKING:
    from data.corpora import Corpus
    from seq2seq.evaluation import EvaluationSet
    from seq2seq.run_directory import RunDirectory

RESULTS = ROOT / "benchmarks" / "results" / "joeynmt_quality.json"
_MODULE = "benchmarks.peers.joeynmt_quality"


def main(arguments: list[str] | None = None) -> int:
    """Train, translate, score, print the table, write the JSON file; returns the exit code.

    Raises:
        UserError: the peers' environment is missing, the model or its corpus is, or Joey NMT failed.
    """
    options = _parse_arguments(arguments)
    if not options.peer_python.exists():
        raise UserError(f"{options.peer_python} does not exist. `make bench-peers` sets it up.")
    run = find_model(options.model)
    folder = Path(options.folder or f"runs/joeynmt_{run.name}")
    prepare_environment()
    config = run.config
    corpus = load_corpus(config.data, options.mirror)
    sets = sets_of_corpus(corpus, options.split)
    if not is_trained(folder, [each.name for each in sets], options):
        _prepare(folder, run, corpus, sets, options)
        _train(folder, options.peer_python)
    translator = Translator.load(run)
    scorer = TextScorer(bleu_tokenizer_for(corpus.target_language, is_tokenized=config.evaluation.tokenized))
    report = {
        "measured_on": time.strftime("%Y-%m-%d"),
        "machine": describe_machine(),
        "corpus": corpus.name,
        "beam_size": run_search_options(config).beam_size,
        "joeynmt": json.loads((folder / "joeynmt.json").read_text(encoding="utf-8")),
        "model": {"name": run.name, **_facts(run)},
        "sets": [_scored(each, folder, translator, scorer) for each in sets],
    }
    write_report(options.output, report)
    print("\n".join(quality_table(report)))
    print(f"\nWritten to {options.output}; Joey NMT's translations and log are in {folder}.", file=sys.stderr)
    return 0


def _facts(run: RunDirectory) -> dict[str, Any]:
    facts = run.read_facts()
    kept = ("train_pairs", "processor", "matmul_precision", "training_seconds", "parameters")
    return {name: facts[name] for name in kept if name in facts}


def is_trained(folder: Path, sets: Sequence[str], options: argparse.Namespace) -> bool:
    """Whether a folder holds the training that is asked for; False when there is no such folder.

    Raises:
        UserError: it holds another one, or one that did not end, which cannot be resumed.
    """
    if not folder.exists():
        return False
    another = f"Remove {folder}, or name another folder (--folder)."
    if not (folder / "joeynmt.json").exists():
        raise UserError(f"{folder} holds a training of Joey NMT that did not end. {another}")
    done = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    asked = {name: getattr(options, name) for name in ("minutes", "seed", "learning_rate")}
    if any(done[name] != value for name, value in asked.items()) or not set(sets) <= set(done["sets"]):
        raise UserError(f"{folder} holds a training of Joey NMT that is not the one asked for. {another}")
    return True


def _prepare(
    folder: Path,
    run: RunDirectory,
    corpus: Corpus,
    sets: Sequence[EvaluationSet],
    options: argparse.Namespace,
) -> None:
    """Write what Joey NMT reads."""
    folder.mkdir(parents=True)
    config = run.config
    rules = CleaningRules(**config.data.cleaning.model_dump())
    cleaner = Cleaner(rules, {"validation": corpus.validation, **corpus.test})
    languages = {"source": corpus.source_language, "target": corpus.target_language}
    pairs = write_pairs(folder / "train", languages, cleaner.clean(corpus.train))
    write_pairs(folder / "validation", languages, corpus.validation)
    for each in sets:
        write_pairs(folder / each.name, languages, zip(each.sources, each.first_references, strict=True))
    with atomic_write(folder / "task.json") as file:
        json.dump(task(run, languages, [each.name for each in sets], pairs, options), file, indent=1)


def write_pairs(prefix: Path, languages: dict[str, str], pairs: Iterable[tuple[str, str]]) -> int:
    """Write a sentence a line into `PREFIX.LANGUAGE`; returns how many pairs there are.

    Joey NMT ends a line at every character that Unicode calls one and leaves out empty lines on either side,
    so white space becomes single spaces, and a pair with an empty side a pair of full stops.
    """
    count = 0
    paths = [Path(f"{prefix}.{languages[side]}") for side in ("source", "target")]
    with atomic_write(paths[0]) as sources, atomic_write(paths[1]) as targets:
        for pair in pairs:
            lines = [" ".join(text.split()) for text in pair]
            sources.write(f"{lines[0] if all(lines) else '.'}\n")
            targets.write(f"{lines[1] if all(lines) else '.'}\n")
            count += 1
    return count


def task(
    run: RunDirectory, languages: dict[str, str], sets: list[str], pairs: int, options: argparse.Namespace
) -> dict[str, Any]:
    """What Joey NMT is told: the model's own sizes and dropout, as far as it has the words for them."""
    config: Config = run.config
    model, joint = config.model, config.tokenizer.joint
    names = {"source": "joint.model" if joint else "source.model"}
    names["target"] = "joint.model" if joint else "target.model"
    batch_size = config.batches.batch_size or 64
    return {
        "languages": languages,
        "tokenizers": {side: str((run.tokenizer_folder / name).resolve()) for side, name in names.items()},
        "joint": joint,
        "sets": sets,
        "minutes": options.minutes,
        "seed": options.seed,
        "learning_rate": options.learning_rate,
        "label_smoothing": config.training.label_smoothing,
        "batch_size": batch_size,
        "beam_size": run_search_options(config).beam_size,
        "reports_between_validations": max(1, round(pairs / batch_size / 20)),  # after each epoch
        "model": {
            "embedding": model.embedding_units,
            "encoder": model.encoder_units,
            "decoder": model.decoder_units,
            "embedding_dropout": model.embedding_dropout,
            "dropout": model.readout_dropout,
        },
    }


def _train(folder: Path, peer_python: Path) -> None:
    minutes = json.loads((folder / "task.json").read_text(encoding="utf-8"))["minutes"]
    log = folder / "joeynmt.log"
    print(f"Training Joey NMT for {minutes:g} minutes; its log is {log} ...", file=sys.stderr, flush=True)
    with log.open("w", encoding="utf-8") as file:
        command = [str(peer_python), "-m", _MODULE, str(folder.resolve())]
        ended = subprocess.run(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, check=False)
    if ended.returncode:
        last = "\n".join(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-12:])
        raise UserError(f"Joey NMT failed (exit code {ended.returncode}); the end of {log}:\n{last}")


def _scored(each: EvaluationSet, folder: Path, translator: Translator, scorer: TextScorer) -> dict[str, Any]:
    own = [translation.text for translation in translator.translate_stream(each.sources)]
    text = (folder / f"{each.name}.translated").read_text(encoding="utf-8")
    sides = {"this project": own, "Joey NMT": text.split("\n")[:-1]}
    return {
        "set": each.name,
        "sentences": len(each.sources),
        **{name: _scores(each, hypotheses, scorer) for name, hypotheses in sides.items()},
    }


def _scores(each: EvaluationSet, hypotheses: list[str], scorer: TextScorer) -> dict[str, Any]:
    if len(hypotheses) != len(each.sources):
        raise UserError(f"{each.name}: {len(each.sources)} sentences, {len(hypotheses)} translations")
    sentences = [scorer.sentence(*pair) for pair in zip(hypotheses, each.references, strict=True)]
    scores = scorer.corpus(hypotheses, each.references, sentences)
    return {
        **{name: scores[name] for name in ("bleu", "chrf")},
        "all_references": score_all_references(each.sources, each.references, hypotheses, scorer),
    }


def quality_table(report: dict[str, Any]) -> Iterable[str]:
    """Lines of Markdown: a row for each side and set."""
    minutes = {
        "this project": report["model"].get("training_seconds", 0) / 60 or None,
        "Joey NMT": report["joeynmt"]["minutes"],
    }
    parameters = {
        "this project": report["model"].get("parameters"),
        "Joey NMT": report["joeynmt"]["parameters"],
    }
    rows = []
    for each, side in itertools.product(report["sets"], minutes):
        scores = each[side]
        everything = scores["all_references"]
        rows.append(
            [
                each["set"],
                side,
                as_number(parameters[side], 0),
                as_number(minutes[side], 0),
                as_number(scores["bleu"]["score"], 1),
                as_number(scores["chrf"]["score"], 1),
                as_number(everything["bleu"]["score"], 1) if everything else DASH,
            ]
        )
    header = ["set", "", "parameters", "minutes", "BLEU", "chrF", "BLEU, all references"]
    return table(header, rows, left=2)


def _parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers.translation_quality",
        description="Train Joey NMT on a model's corpus and compare translations.",
        allow_abbrev=False,
    )
    parser.add_argument("--model", required=True, help="a run, or the name of a model that ships")
    parser.add_argument("--minutes", type=positive, required=True, help="how long Joey NMT trains")
    parser.add_argument(
        "--learning-rate", type=positive, default=0.001, help="of Joey NMT (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--split", action="append", default=[], metavar="NAME", help="set to score (default: all test sets)"
    )
    parser.add_argument("--mirror", metavar="FOLDER_OR_URL", help="where the corpus' files are")
    parser.add_argument("--folder", metavar="DIR", help="for Joey NMT (default: runs/joeynmt_MODEL)")
    parser.add_argument(
        "--peer-python", type=Path, default=PEER_PYTHON, help="that of the peers' environment"
    )
    parser.add_argument(
        "--output", type=Path, default=RESULTS, help="JSON file (benchmarks/results/joeynmt_quality.json)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run_command(main)
