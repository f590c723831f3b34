"""Make a small shipped model of a trained run: half precision, checksums, scores and a model card.

    python -m seq2seq.ship runs/multi30k_en_de models/multi30k-en-de

The run has to be trained to its end and evaluated (`python evaluate.py --model RUN`): docs/models.md.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import UserError
from seq2seq.command_options import new_parser

if TYPE_CHECKING:
    from data.corpora import Corpus
    from seq2seq.config import Config
    from seq2seq.corpus_notes import CorpusNotes
    from seq2seq.run_directory import RunDirectory

LARGEST_BYTES = 12_000_000  # a model lies in a git repository, and everybody who clones it downloads it


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code.

    Raises:
        UserError: the run cannot be shipped; says why.
    """
    options = build_parser().parse_args(arguments)
    origin = CorpusOrigin(options.corpus, options.mirror, options.licence)
    ship(Path(options.run), Path(options.target), origin, options.replace)
    return 0


@dataclass(frozen=True)
class CorpusOrigin:
    """What the user has to say of the corpus.

    Attributes:
        name: of the data set of TFDS whose text the run read from files; None: as its configuration says.
        mirror: see `seq2seq.corpus_loading.load_corpus`.
        licence: terms of a corpus that states none.
    """

    name: str | None = None
    mirror: str | None = None
    licence: str | None = None


def build_parser() -> argparse.ArgumentParser:
    """Every option of the command."""
    parser = new_parser(
        "python -m seq2seq.ship",
        None,
        "Make a shipped model (half precision, checksums, scores, model card) of a trained, evaluated run.",
    )
    parser.add_argument("run", metavar="RUN", help="directory of the run")
    parser.add_argument(
        "target", metavar="models/NAME", help="directory to make; its name is that of the model"
    )
    parser.add_argument(
        "--corpus",
        metavar="NAME",
        help="the data set that a run on text files was trained on, such as tatoeba_en_es/en-es; its text "
        "has to be the same to the letter",
    )
    parser.add_argument(
        "--mirror",
        metavar="FOLDER_OR_URL",
        help="where the files of multi30k and tatoeba_en_es are, instead of at their original host",
    )
    parser.add_argument(
        "--licence",
        metavar="TEXT",
        help="terms of a corpus that states none: what users of the model must know",
    )
    parser.add_argument("--replace", action="store_true", help="replace a model that is there already")
    return parser


def ship(run_path: Path, target: Path, origin: CorpusOrigin, replace: bool = False) -> None:
    """Write a shipped model; nothing is left behind when something is wrong.

    Args:
        run_path: directory of the run.
        target: directory to make; its last part is the model's name.
        origin: of the corpus.
        replace: whether a model that is there may be replaced.

    Raises:
        UserError: the run is not finished, was not evaluated, or was changed since; its corpus is another
            one; half precision costs too much; the files are too large; or the target is there already.
    """
    from seq2seq.corpus_notes import corpus_notes
    from seq2seq.shipped_config import shipped_config
    from seq2seq.shipped_models import find_run

    run = find_run(run_path)
    _check_run(run)
    _check_target(target, replace)
    reports = shippable_reports(run)
    config = shipped_config(run.config, origin.name, target)
    # TFDS has to find a quiet TensorFlow when it loads a corpus.
    from data.quiet_tensorflow import load_tensorflow_quietly

    load_tensorflow_quietly()
    from seq2seq.corpus_loading import load_corpus

    corpus = load_corpus(config.data, origin.mirror)
    notes = corpus_notes(corpus.name, corpus.licence, origin.licence)
    _check_corpus(run, corpus, reports)
    seen, shared_pairs = _seen(run, corpus), _shared_pairs(run)
    with _new_folder(target, replace) as folder:
        facts = {**run.read_facts(), "corpus": corpus.name, "licence": corpus.licence or notes.terms}
        shipped = _write_model(run, config, facts, folder)
        scores: dict[str, Any] = {
            "evaluations": [_without_sentences(report) for report in reports],
            "half_precision": _halving(run, shipped, corpus),
        }
        content = {**scores, "licence": notes.licence, "seen": seen, "shared_pairs": shared_pairs}
        _write_documents(shipped, target.name, content, notes, corpus)
        _check_size(run, folder)
    _say_what_was_made(target, scores["half_precision"])


def _check_run(run: RunDirectory) -> None:
    run.check_is_trained()
    if run.is_shipped:
        raise UserError(f"{run.path} is a shipped model already. Give the run that it was made of.")
    facts = run.read_facts()
    if not facts.get("finished"):
        raise UserError(
            f"{run.path} is not finished: only the last word of a training is shipped. "
            f"Go on with: python train.py --run {run.path} --resume (with --set training.epochs=N to end "
            f"sooner)"
        )


def _check_target(target: Path, replace: bool) -> None:
    from data.atomic import check_can_write
    from seq2seq.run_directory import RunDirectory

    if not target.name:
        raise UserError(
            f"{target}: expected a directory with the name of the model, such as models/multi30k-en-de"
        )
    if not target.exists():
        check_can_write(target)
        return
    if not RunDirectory(target).is_shipped:
        raise UserError(
            f"{target} is there and no shipped model, which alone is replaced. Choose another name."
        )
    if not replace:
        raise UserError(f"{target} is there already. Choose another name, or replace it: --replace")
    check_can_write(target.with_name(f".{target.name}"))  # it changes places with the old one


def _check_corpus(run: RunDirectory, corpus: Corpus, reports: list[dict[str, Any]]) -> None:
    """The card describes the corpus: it has to be the one that the model was trained and evaluated on."""
    from seq2seq.evaluation_sets import sets_of_corpus
    from seq2seq.training_data import corpus_fingerprints

    expected = run.read_facts().get("corpus_fingerprints") or {}
    found = corpus_fingerprints(corpus)
    differing = [name for name in found if found[name] != expected.get(name)]
    for report in reports:
        name = report["set"]
        if name in corpus.test:
            (test_set,) = sets_of_corpus(corpus, [name])
            differing += [name] if test_set.fingerprint != report["set_fingerprint"] else []
    if differing:
        raise UserError(
            f"{run.path} was trained or evaluated on another text than that of {corpus.name}: "
            f"{', '.join(differing)} differs (SHA-256). Bring the old files back (--mirror), or evaluate "
            f"again."
        )


def shippable_reports(run: RunDirectory) -> list[dict[str, Any]]:
    """The evaluations of a run's test sets, checked to be of the model as it is now.

    Raises:
        UserError: a test set was not evaluated, or not as a whole, or with another model.
    """
    from seq2seq.evaluated_system import fingerprint
    from seq2seq.evaluation_files import read_reports
    from seq2seq.results_tables import departures

    again = f"Evaluate it again: python evaluate.py --model {run.path}"
    by_set = {report["set"]: report for report in read_reports(run.path) if _is_of_a_test_set(report)}
    missing = [name for name in _test_sets(run) if name not in by_set]
    if missing or not by_set:
        raise UserError(f"{run.path}: {', '.join(missing) or 'no test set'} was not evaluated. {again}")
    current = fingerprint(run)
    for name, report in by_set.items():
        systems = [each["fingerprint"] for each in report["system"]["runs"]]
        if systems != [current]:
            what = "an ensemble" if len(systems) > 1 else "another state of this run"
            raise UserError(f"{run.evaluation_folder}: {name} was evaluated with {what}. {again}")
        if unusual := departures(report):
            raise UserError(
                f"{run.evaluation_folder}: {name} was not evaluated as a whole, with the model as it is "
                f"({', '.join(unusual)}). {again}"
            )
    order = {name: place for place, name in enumerate(_test_sets(run))}
    return sorted(by_set.values(), key=lambda report: (order.get(report["set"], len(order)), report["set"]))


def _is_of_a_test_set(report: dict[str, Any]) -> bool:
    """Whether a training could not have seen the set; of files nobody can say that here."""
    from seq2seq.evaluated_system import TEXT_FILES

    return report["set"] != "validation" and report["corpus"] != TEXT_FILES


def _shared_pairs(run: RunDirectory) -> dict[str, int]:
    """How many pairs of each test set stand among the training pairs, too; only sets that have any."""
    try:
        cleaning = json.loads(run.cleaning_file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(
            f"{run.cleaning_file} does not exist: the model card says what of the test sets stands among the "
            "training pairs. Copy it back, or train again."
        ) from error
    if cleaning["rules"]["held_out_overlap"] == "remove":
        return {}
    shared = {name: split["shared"]["pair"]["pairs"] for name, split in cleaning["held_out"].items()}
    return {name: count for name, count in shared.items() if count and name != "validation"}


def _test_sets(run: RunDirectory) -> list[str]:
    configured = getattr(run.config.data.corpus, "test", None)
    return list(configured) if configured else []


def _write_model(run: RunDirectory, config: Config, facts: dict[str, Any], folder: Path) -> RunDirectory:
    """What decides translations, and the checksums. Returns the shipped model, ready to load."""
    from data.atomic import atomic_write
    from data.checksums import write_checksums
    from seq2seq.config import dump_config
    from seq2seq.half_precision import weights_by_name, write_half_precision
    from seq2seq.run_directory import SHIPPED_WEIGHTS_NAME, RunDirectory

    write_half_precision(folder / SHIPPED_WEIGHTS_NAME, weights_by_name(run.load_model()))
    run.tokenizers.save(folder / run.tokenizer_folder.name)
    with atomic_write(folder / run.config_file.name) as file:
        file.write(dump_config(config))
    shipped = RunDirectory(folder)
    shipped.write_facts(**facts)
    write_checksums(folder)
    # Now, because what comes next takes minutes, and again when the card is there.
    _check_size(run, folder)
    return shipped


def _check_size(run: RunDirectory, folder: Path) -> None:
    size = _size(folder)
    if size > LARGEST_BYTES:
        raise UserError(
            f"{run.path}: its files would take {size / 1e6:.1f} MB in half precision, at most "
            f"{LARGEST_BYTES / 1e6:.0f} MB are accepted. Train a smaller model, or one with a smaller "
            f"vocabulary."
        )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _halving(run: RunDirectory, shipped: RunDirectory, corpus: Corpus) -> dict[str, Any]:
    from seq2seq.evaluation import EvaluationOptions
    from seq2seq.evaluation_sets import sets_of_corpus
    from seq2seq.halving import compare_halves, validation_scores
    from seq2seq.search_options import run_search_options
    from seq2seq.text_metrics import TextScorer, bleu_tokenizer_for

    is_tokenized = run.config.evaluation.tokenized
    tokenizer = bleu_tokenizer_for(corpus.target_language, is_tokenized=is_tokenized)
    options = EvaluationOptions(search=run_search_options(run.config))
    (validation,) = sets_of_corpus(corpus, ["validation"])
    reports = [validation_scores(each, validation, TextScorer(tokenizer), options) for each in (run, shipped)]
    return compare_halves(*reports)


def _without_sentences(report: dict[str, Any]) -> dict[str, Any]:
    """The scores of a report. Its sentences belong to the corpus, which may not be passed on."""
    return {key: value for key, value in report.items() if key not in ("sentences", "worst_sentences")}


def _training_pairs(run: RunDirectory) -> Iterator[tuple[str, str]]:
    """What the run was trained on: the pairs of its corpus that its cleaning left.

    What machines made, which stands behind them, says nothing of the corpus.
    """
    from data.pair_store import PairStore
    from seq2seq.synthetic_pairs import KINDS

    facts = run.read_facts()
    made = sum(facts[kind]["kept"] for kind in KINDS if kind in facts)
    with PairStore(run.data_folder / "train") as store:
        yield from itertools.islice(store, len(store) - made)


def _seen(run: RunDirectory, corpus: Corpus) -> dict[str, Any]:
    """By language, what the card says of the training sentences."""
    from data.corpus_portrait import portray

    languages = (corpus.source_language, corpus.target_language)
    return {
        language: portray((pair[side] for pair in _training_pairs(run)), language).as_facts()
        for side, language in enumerate(languages)
    }


def _write_documents(
    shipped: RunDirectory, name: str, content: dict[str, Any], notes: CorpusNotes, corpus: Corpus
) -> None:
    from data.atomic import atomic_write
    from seq2seq.evaluation_files import write_json
    from seq2seq.model_card import ModelCard

    write_json(shipped.scores_file, content)
    card = ModelCard(name, shipped, content, notes, corpus.citation)
    with atomic_write(shipped.path / "README.md") as file:
        file.write("\n".join(card.lines()) + "\n")


@contextmanager
def _new_folder(target: Path, replace: bool) -> Iterator[Path]:
    """A folder beside the target that takes its name when the block ends without an error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=".partial"))
    folder.chmod(0o755)  # mkdtemp's is private
    try:
        yield folder
        if target.exists() and replace:
            old = folder.with_suffix(".old")
            target.rename(old)
            try:
                folder.rename(target)
            except BaseException:
                old.rename(target)
                raise
            shutil.rmtree(old)
        else:
            folder.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _say_what_was_made(target: Path, halving: dict[str, Any]) -> None:
    whole, half = (halving[name]["bleu"] for name in ("float32", "float16"))
    print(f"{target}: {_size(target) / 1e6:.1f} MB")
    print(
        f"validation BLEU {whole:.2f} before, {half:.2f} after halving; {halving['same_translations']:,} of "
        f"{halving['sentences']:,} translations are the same"
    )
    print(f"model card: {target / 'README.md'}")


if __name__ == "__main__":
    from seq2seq.startup import prepare_environment, run_command

    prepare_environment()
    run_command(main)
