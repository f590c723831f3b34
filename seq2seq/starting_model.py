"""Trainings that begin with the weights and the tokenizer of another model (`training.start_from`).

A network fits the weights of another one only if it has its sizes, and reads them rightly only with its
tokenizer. So what a configuration leaves out of both is taken from that model, and what it says otherwise is
an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seq2seq.config import Config, ConfigError, ModelConfig, TokenizerConfig, parse_config
from seq2seq.run_directory import RunDirectory
from seq2seq.shipped_models import configured_model

if TYPE_CHECKING:
    from data.tokenizer import TokenizerPair
    from seq2seq.model import Seq2SeqModel

# Options that say what training does with the weights and the pieces, not what they are.
_MAY_DIFFER = frozenset(
    {
        *(f"model.{name}" for name in ModelConfig.model_fields if name.endswith("_dropout")),
        "model.implementation",
        "tokenizer.sampling_alpha",
    }
)


def completed(config: Config) -> Config:
    """A configuration with the network and tokenizer of the model that it starts from; others as they are.

    Args:
        config: as the user gave it: what stands in it and what was left out are told apart.

    Raises:
        ConfigError: it asks for another network or tokenizer than that model has.
        UserError: there is no such model.
    """
    name = config.training.start_from
    if name is None:
        return config
    start = configured_model(name).config
    content = config.model_dump()
    differing = []
    for section in ("model", "tokenizer"):
        given: ModelConfig | TokenizerConfig = getattr(config, section)
        for option, there in getattr(start, section):
            key, is_given = f"{section}.{option}", option in given.model_fields_set
            # A folder is where the other training found its tokenizer on its machine.
            if key == "tokenizer.folder" or (is_given and key in _MAY_DIFFER):
                continue
            if is_given and getattr(given, option) != there:
                differing.append(f"  {key}: {getattr(given, option)!r}, but {there!r} in {name}")
            content[section][option] = there
    if config.tokenizer.folder is not None:
        differing.append(
            f"  tokenizer.folder: {config.tokenizer.folder!r}, but the tokenizer is that of {name}"
        )
    if differing:
        raise ConfigError(
            f"training.start_from: {name}: a training has the network and the tokenizer of the model that it "
            "starts from. Leave these out:\n" + "\n".join(differing)
        )
    # What is right by itself may contradict what the other model brings, such as its subword sampling.
    return parse_config(content, f"training.start_from: {name}")


def starting_tokenizers(config: Config) -> TokenizerPair | None:
    """Those of the model that a training starts from; None for one that starts afresh."""
    name = config.training.start_from
    return None if name is None else configured_model(name).tokenizers


def take_weights(model: Seq2SeqModel, run: RunDirectory, config: Config) -> str | None:
    """Give a new training the weights that it starts from, if any, and note in its run whose they are.

    Args:
        model: built, of a configuration that is `completed`.
        run: of the training.
        config: of the training.

    Returns:
        What to say of it; None for a training that starts afresh.

    Raises:
        UserError: that model cannot be read, or has changed since the run took its tokenizer.
    """
    name = config.training.start_from
    if name is None:
        return None
    start = configured_model(name)
    other = start.load_model()
    if start.tokenizers.fingerprint != run.tokenizers.fingerprint or _shapes(other) != _shapes(model):
        raise ConfigError(
            f"training.start_from: {name} is not what it was when {run.path} was prepared. Start a new run "
            "in another directory (--run DIR)."
        )
    for variable, value in zip(model.trainable_variables, other.trainable_variables, strict=True):
        variable.assign(value)
    run.write_facts(started_from=_facts(start))
    return f"Begins with the weights of {name}."


def _shapes(model: Seq2SeqModel) -> list[tuple[int, ...]]:
    return [tuple(variable.shape) for variable in model.trainable_variables]


def _facts(start: RunDirectory) -> dict[str, Any]:
    from seq2seq.evaluated_system import fingerprint

    facts = start.read_facts()
    return {"model": start.name, "fingerprint": fingerprint(start), "corpus": facts.get("corpus")}
