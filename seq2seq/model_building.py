"""The network that a configuration and its tokenizers ask for, with fresh weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seq2seq.model import Seq2SeqModel

if TYPE_CHECKING:
    from data.tokenizer import TokenizerPair
    from seq2seq.config import Config


def build_model(config: Config, tokenizers: TokenizerPair) -> Seq2SeqModel:
    """The model of a configuration, with fresh weights."""
    model = Seq2SeqModel(
        source_vocabulary_size=tokenizers.source.vocabulary_size,
        target_vocabulary_size=tokenizers.target.vocabulary_size,
        seed=config.seed,
        **config.model.model_dump(),
    )
    model.build()
    return model
