"""The batches of an epoch, in the form that Keras' `fit` reads, and from where a resumed epoch goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from data.batching import Batch
from data.special_ids import PAD_ID
from seq2seq.guided_attention_config import GuidedAttentionConfig
from seq2seq.training_data import TrainingData
from seq2seq.training_state import TrainingProgress
from seq2seq.validation import BATCH_SIGNATURE, model_inputs


class EpochBatches:
    """The batches of the epoch under way; those that a resumed epoch has behind it are left out.

    Attributes:
        error: what ended the batches before their time, if anything did.
    """

    def __init__(
        self, data: TrainingData, progress: TrainingProgress, guided_attention: GuidedAttentionConfig
    ) -> None:
        self._data = data
        self._unaligned_to_end = guided_attention.unaligned == "end"
        self._progress = progress
        self.error: Exception | None = None
        self._positions, self._pads = Counter[str](), Counter[str]()

    def padding(self) -> dict[str, float]:
        """Share of the positions of all batches so far that is padding, by side, 0 to 1."""
        return {side: self._pads[side] / positions for side, positions in self._positions.items()}

    def __call__(self) -> Iterator[Any]:
        try:
            for batch in self._data.train.batches(self._progress.epoch, self._progress.batch):
                for side, tokens in (("source", batch.source_tokens), ("target", batch.target_output_tokens)):
                    self._positions[side] += tokens.size
                    self._pads[side] += int((tokens == PAD_ID).sum())
                yield self._inputs(batch)
        except Exception as error:
            self.error = error
            raise

    def _inputs(self, batch: Batch) -> Any:
        inputs, target_output_tokens = model_inputs(batch)
        if self._data.alignments is None:
            return inputs, target_output_tokens
        target_attention = self._data.alignments.target_attention(
            batch, self._data.tokenizers, unaligned_to_end=self._unaligned_to_end
        )
        return (*inputs, target_attention), target_output_tokens

    def _signature(self) -> Any:
        if self._data.alignments is None:
            return BATCH_SIGNATURE
        inputs, target_output_tokens = BATCH_SIGNATURE
        return (*inputs, tf.TensorSpec((None, None, None), tf.float32)), target_output_tokens

    def dataset(self) -> tf.data.Dataset:
        """What `fit` iterates over, once per epoch."""
        dataset = tf.data.Dataset.from_generator(self, output_signature=self._signature()).prefetch(2)
        # Of a data set of unknown size `fit` takes the first epoch's number of batches for that of every
        # epoch. After a resumed epoch, of which only the rest is run, that would cut all others short. A
        # number that is never reached makes it read each epoch to its end.
        dataset.cardinality = lambda: tf.constant(2**62, tf.int64)
        return dataset
