"""What a report says of the system that was evaluated: models, fingerprints, languages, software."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2seq.run_directory import RunDirectory

# What a report calls the corpus of sentences that were given as files.
TEXT_FILES = "text files"


def describe_system(
    runs: Sequence[RunDirectory],
    target_language: str | None,
    corpus: str,
    reranking_run: RunDirectory | None = None,
) -> dict[str, Any]:
    """What was evaluated, and with what software.

    Args:
        runs: of the models.
        target_language: as far as it is known.
        corpus: what the sentences are from.
        reranking_run: of a second model that chooses among the translations.
    """
    from seq2seq.recipe import recipe_fingerprint
    from seq2seq.software import software_versions

    return {
        "system": {
            "name": " + ".join(_configured_name(run) for run in runs)
            + (f", reranked by {reranking_run.name}" if reranking_run is not None else ""),
            "runs": [
                {
                    "name": run.config.name,
                    "directory": run.path.resolve().name,
                    # Which weights: those of a kept epoch, or (None) of the best model, and of what epoch.
                    "checkpoint": run.checkpoint,
                    "epoch": run.epoch,
                    "fingerprint": fingerprint(run),
                    "recipe": recipe_fingerprint(run.config),
                    "seed": run.config.seed,
                }
                for run in runs
            ],
            "source_language": languages_of(runs[0])[0],
            "target_language": target_language,
        },
        "corpus": corpus,
        "versions": {**software_versions(), **_scoring_versions()},
    }


def _configured_name(run: RunDirectory) -> str:
    """Runs that differ in their seed alone share it, the epochs of one run do not."""
    return run.config.name + run.epoch_mark


def _scoring_versions() -> dict[str, str]:
    from importlib import metadata

    return {package: metadata.version(package) for package in ("sacrebleu", "rouge-score", "sacremoses")}


def describe_reranking(run: RunDirectory | None, weight: float) -> dict[str, Any]:
    """What is said of a second model that chose among the translations; nothing where there was none.

    Args:
        run: of that model.
        weight: see `seq2seq.reranking.Reranker`.
    """
    if run is None:
        return {}
    return {"rerank_with": run.name, "rerank_fingerprint": fingerprint(run), "rerank_weight": weight}


def fingerprint(run: RunDirectory) -> str:
    """SHA-256 of what decides a run's translations: its configuration, tokenizer files and weights."""
    digest = sha256()
    for path in (run.config_file, *sorted(run.tokenizer_folder.glob("*.model")), run.weights_file):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def languages_of(run: RunDirectory) -> tuple[str | None, str | None]:
    """Source and target language of a run: what its training noted, or else its configuration."""
    facts, configured = run.read_facts(), run.config.data
    return (
        facts.get("source_language") or configured.source_language,
        facts.get("target_language") or configured.target_language,
    )
