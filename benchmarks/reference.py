"""The architecture that all speeds are measured with, and random input for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from data.special_ids import BOS_ID, EOS_ID

if TYPE_CHECKING:
    from seq2seq.config import Config
    from seq2seq.model import Seq2SeqModel

_FIRST_ORDINARY_ID = 4


@dataclass(frozen=True)
class NetworkSizes:
    """Widths of a network; those of the reference architecture unless said otherwise (10.0 M parameters)."""

    vocabulary: int = 8000
    embedding: int = 256
    encoder: int = 256
    decoder: int = 512
    attention: int = 512
    readout: int = 256

    @property
    def memory(self) -> int:
        """Width of an encoder state: both directions."""
        return 2 * self.encoder

    def model_options(self) -> dict[str, Any]:
        """As options of `Seq2SeqModel`, the vocabulary apart, or of a configuration's `model` section."""
        return {
            "embedding_units": self.embedding,
            "encoder_units": self.encoder,
            "encoder_layers": 1,
            "decoder_units": self.decoder,
            "attention_units": self.attention,
            "readout_units": self.readout,
            "tied_embeddings": "none",
        }


REFERENCE = NetworkSizes()

NO_DROPOUT = dict.fromkeys(
    (
        *("embedding_dropout", "source_word_dropout", "target_word_dropout", "layer_dropout"),
        *("recurrent_dropout", "memory_dropout", "attention_dropout", "readout_dropout"),
    ),
    0.0,
)


class TokenBatch(NamedTuple):
    """Sentences of equal length, without padding; the names are those of `data.batching.Batch`."""

    source_tokens: np.ndarray  # (batch, source_length) int32, EOS last
    target_input_tokens: np.ndarray  # (batch, target_length) int32, BOS first
    target_output_tokens: np.ndarray  # (batch, target_length) int32, EOS last


def random_batch(
    sizes: NetworkSizes, batch_size: int, source_length: int, target_length: int, seed: int = 1
) -> TokenBatch:
    """Random tokens; the lengths count BOS or EOS."""
    generator = np.random.default_rng(seed)

    def words(length: int) -> np.ndarray:
        return generator.integers(_FIRST_ORDINARY_ID, sizes.vocabulary, (batch_size, length), np.int32)

    source, target = words(source_length), words(target_length)
    source[:, -1] = target[:, -1] = EOS_ID
    begin = np.full((batch_size, 1), BOS_ID, np.int32)
    return TokenBatch(source, np.concatenate([begin, target[:, :-1]], axis=1), target)


def build_network(sizes: NetworkSizes, **options: Any) -> Seq2SeqModel:
    """A network with fresh weights and, unless `options` say otherwise, without dropout."""
    from seq2seq.model import Seq2SeqModel

    model = Seq2SeqModel(
        sizes.vocabulary, sizes.vocabulary, **{**sizes.model_options(), **NO_DROPOUT, "seed": 1, **options}
    )
    model.build()
    return model


def end_when_allowed(model: Seq2SeqModel) -> Seq2SeqModel:
    """Make a random network prefer the end of the sentence, and return it.

    A search that may not end before its least length then ends right there, in all hypotheses, so that how
    much it writes is known and none is cut.
    """
    bias = np.zeros(model.decoder.output_bias.shape, np.float32)
    bias[EOS_ID] = 10.0
    model.decoder.output_bias.assign(bias)
    return model


def configuration(sizes: NetworkSizes, **sections: dict[str, Any]) -> Config:
    """A run's configuration with a network of these sizes and without dropout.

    Args:
        sizes: of the network; the vocabulary is joint.
        sections: options that differ, by section: `training={"epochs": 2}`.
    """
    from seq2seq.config import parse_config

    content: dict[str, Any] = {
        "name": "benchmark",
        "data": {"corpus": {"kind": "starter"}},
        "tokenizer": {"vocabulary_size": sizes.vocabulary},
        "model": {**sizes.model_options(), **NO_DROPOUT},
    }
    for name, options in sections.items():
        content[name] = {**content.get(name, {}), **options}
    return parse_config(content, "benchmark")
