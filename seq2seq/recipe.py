"""What of a configuration is the recipe, so that two runs of it differ by chance alone."""

from __future__ import annotations

import hashlib

from seq2seq.config import Config, differences, flat_options

# What says where files are, what is shown and how the cores share the work, not what is learnt.
_NOT_PART = (
    "name",
    "seed",
    "data.corpus.data_dir",
    "data.corpus.mirror",
    "training.batch_parts",
    "training.keep_checkpoints",
    "training.plot_sentences",
    "training.save_every_seconds",
    "training.tensorboard",
    "evaluation.paper_convention",
)


# That the links are of a file, and not the aligner's, is part of a recipe, but not where it lies.
_LINKS = "training.guided_attention.alignments"
# Later than some runs that were evaluated, or not part of their fingerprint: off, they change no recipe.
_OFF = (
    ("tokenizer.folder", None),
    (_LINKS, None),
    ("evaluation.tokenized", False),
    ("data.forward_translation", None),
    ("data.back_translation.n_best", 1),
    ("data.careless_typing", 0.0),
    ("training.start_from", None),
)
# In the fingerprint of those runs, and the same in all of them.
_ONCE_PART = {"training.batch_parts": 1}


def recipe_changes(first: Config, other: Config) -> list[str]:
    """`model.embedding_dropout: 0.3 -> 0.4` for each option of the recipe in which two configurations
    differ."""
    both_given = _links_are_given(first) and _links_are_given(other)
    left_out = {*_NOT_PART, _LINKS} if both_given else set(_NOT_PART)
    return [line for line in differences(first, other) if line.partition(":")[0] not in left_out]


def recipe_fingerprint(config: Config) -> str:
    """SHA-256 of the options of the recipe: the same for runs that differ in nothing but their seed."""
    flat = flat_options(config)
    if _links_are_given(config):
        flat[_LINKS] = "a file"
    options = [option for option in flat.items() if option not in _OFF and option[0] not in _NOT_PART]
    lines = [f"{key}: {value!r}\n" for key, value in sorted([*options, *_ONCE_PART.items()])]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _links_are_given(config: Config) -> bool:
    return config.training.guided_attention.alignments is not None
