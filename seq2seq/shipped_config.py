"""The configuration of a shipped model: that of its run without what was true on one machine alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data.errors import UserError
from seq2seq.config import Config, parse_config

# Where files lay on the machine of the training is no use to anybody else. What says how such a file is to be
# read goes with it.
_LEFT_OUT: dict[str, str | None] = {
    "data.corpus.data_dir": None,
    "data.corpus.mirror": None,
    "training.guided_attention.alignments": None,
    "training.guided_attention.word_mode": "unicode",
}


def shipped_config(config: Config, corpus: str | None, target: Path) -> Config:
    """The configuration of a run without what was true on one machine alone.

    Args:
        config: of the run.
        corpus: the data set of TFDS in place of text files; None: the run's own corpus.
        target: where the model will lie; a tokenizer that the run was given is found there from now on.

    Raises:
        UserError: models that made training pairs would have one name.
    """
    content = config.model_dump(mode="json")
    if corpus is not None:
        test = list(content["data"]["corpus"].get("test") or ["test"])
        content["data"]["corpus"] = {"kind": "tfds", "name": corpus, "test": test}
    for option, value in _LEFT_OUT.items():
        *sections, key = option.split(".")
        section = content
        for name in sections:
            section = section[name]
        if key in section:
            section[key] = value
    if config.tokenizer.folder is not None:
        content["tokenizer"]["folder"] = f"{target.as_posix()}/tokenizer"
    # By name: the card tells what was used, and a shipped model is found by its name anywhere.
    for made in (content["data"]["back_translation"], content["data"]["forward_translation"]):
        for key in ("model", "models", "text"):
            if made is not None and made.get(key) is not None:
                paths = made[key]
                made[key] = [Path(path).name for path in paths] if key == "models" else Path(paths).name
    start = content["training"]["start_from"]
    if start is not None:
        content["training"]["start_from"] = Path(start).name
    _check_teachers(content["data"]["forward_translation"], target)
    return parse_config(content, "the configuration of the run")


def _check_teachers(made: dict[str, Any] | None, target: Path) -> None:
    """Names of shipped models have to tell the models apart that training pairs were made by."""
    names = [] if made is None else made["models"]
    if len({*names, target.name}) <= len(names):
        raise UserError(
            f"data.forward_translation.models would be {', '.join(names)} in the configuration of "
            f"{target.name}, where a model is known by its last name alone: move the runs so that each has a "
            "name of its own."
        )
