"""What a search emitted, step by step, and how to read whole hypotheses out of it.

While the beam is reordered, nothing that is already written moves: each step notes which slot each of its
hypotheses grew from, and the chosen ones are followed backwards once, at the end. Attention weights, the
largest part, are therefore written once and gathered once.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class History(NamedTuple):
    """One quantity of every step and slot each; slots are places in the beam that a step made."""

    tokens: tf.Tensor  # (steps, batch, beam) int32
    parents: tf.Tensor  # (steps, batch, beam) int32: the slot of the step before that each grew from
    token_log_probability: tf.Tensor  # (steps, batch, beam) float32
    attention_weights: tf.Tensor  # (steps, batch, beam, source_length) float32

    @classmethod
    def empty(cls, batch: tf.Tensor, beam_size: int, source_length: tf.Tensor) -> History:
        """No step yet."""
        slots = tf.zeros([0, batch, beam_size])
        no_ids = tf.cast(slots, tf.int32)
        return cls(no_ids, no_ids, slots, tf.zeros([0, batch, beam_size, source_length]))

    def with_steps_of(self, members: tf.Tensor, record: Record, steps: tf.Tensor) -> History:
        """The history with some steps more, in which only some sentences took part.

        Args:
            members: (some,) int32, the numbers of these sentences.
            record: of the steps, in their order.
            steps: () int32, how many there are.
        """
        # The others are done: nothing of theirs will be read from these steps, which may hold anything.
        batch = tf.shape(self.tokens)[1]
        place = tf.scatter_nd(members[:, None], tf.range(tf.size(members)), [batch])

        def extend(before: tf.Tensor, array: tf.TensorArray) -> tf.Tensor:
            return tf.concat([before, tf.gather(array.gather(tf.range(steps)), place, axis=1)], axis=0)

        return History(*(extend(*both) for both in zip(self, record, strict=True)))


class Record(NamedTuple):
    """The same while it is written, with one entry per step."""

    tokens: tf.TensorArray
    parents: tf.TensorArray
    token_log_probability: tf.TensorArray
    attention_weights: tf.TensorArray

    @classmethod
    def for_steps(cls, steps: tf.Tensor, beam_size: int) -> Record:
        """An empty record with room for `steps` steps."""

        def array(dtype: tf.DType, *shape: int | None) -> tf.TensorArray:
            return tf.TensorArray(dtype, size=steps, element_shape=[None, beam_size, *shape])

        return cls(array(tf.int32), array(tf.int32), array(tf.float32), array(tf.float32, None))

    def write(self, step: tf.Tensor, *values: tf.Tensor) -> Record:
        """The record with one step more: its tokens, parents, log-probabilities and attention weights."""
        return Record(*(array.write(step, value) for array, value in zip(self, values, strict=True)))


class Hypotheses(NamedTuple):
    """Finished work, best first. Places that no hypothesis fills have length 0 and score -inf."""

    tokens: tf.Tensor  # (batch, n_best, length) int32, 0 after the end
    lengths: tf.Tensor  # (batch, n_best) int32, with the end-of-sentence token where there is one
    finished: tf.Tensor  # (batch, n_best) bool: did it end with the end-of-sentence token?
    token_log_probabilities: tf.Tensor  # (batch, n_best, length) float32, 0 after the end
    log_probability: tf.Tensor  # (batch, n_best) float32, their sum; -inf where there is no hypothesis
    score: tf.Tensor  # (batch, n_best) float32
    attention_weights: tf.Tensor  # (batch, n_best, length, source_length) float32, 0 after the end


def follow_back(
    history: History,
    last_step: tf.Tensor,
    last_slot: tf.Tensor,
    finished: tf.Tensor,
    score: tf.Tensor,
) -> Hypotheses:
    """Read hypotheses out of a history, from their last token to their first.

    Args:
        history: of the search; at least one step.
        last_step: (batch, n_best) int32, the step that emitted a hypothesis' last token; -1: no hypothesis.
        last_slot: (batch, n_best) int32, the slot it had after that step.
        finished: (batch, n_best) bool.
        score: (batch, n_best) float32.

    Returns:
        The hypotheses, as long as the longest of them.
    """
    lengths = last_step + 1
    longest = tf.maximum(tf.reduce_max(lengths), 1)

    def one_step_back(
        step: tf.Tensor, slot_after: tf.Tensor, slots: tf.TensorArray
    ) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray]:
        # Beyond a hypothesis' last step `slot_after` still is its last slot, so it enters the walk there.
        parent = tf.gather(history.parents[step], slot_after, batch_dims=1)
        slot_before = tf.where(step <= last_step, parent, slot_after)
        return step - 1, slot_before, slots.write(step, slot_after)

    slot_array = tf.TensorArray(tf.int32, size=longest, element_shape=last_slot.shape)
    _, _, slot_array = tf.while_loop(
        lambda step, *_: step >= 0, one_step_back, (longest - 1, last_slot, slot_array)
    )
    slots = slot_array.stack()  # (length, batch, n_best)

    def read(whole: tf.Tensor) -> tf.Tensor:
        return tf.gather(whole[:longest], slots, batch_dims=2)  # (length, batch, n_best, ...)

    is_real = tf.range(longest)[:, None, None] < lengths  # (length, batch, n_best)
    tokens = tf.where(is_real, read(history.tokens), 0)
    token_log_probabilities = tf.where(is_real, read(history.token_log_probability), 0.0)
    attention_weights = tf.where(is_real[..., None], read(history.attention_weights), 0.0)
    log_probability = tf.where(lengths > 0, tf.reduce_sum(token_log_probabilities, axis=0), -float("inf"))
    # (length, batch, n_best, ...) -> (batch, n_best, length, ...)
    return Hypotheses(
        tokens=tf.transpose(tokens, [1, 2, 0]),
        lengths=lengths,
        finished=finished,
        token_log_probabilities=tf.transpose(token_log_probabilities, [1, 2, 0]),
        log_probability=log_probability,
        score=score,
        attention_weights=tf.transpose(attention_weights, [1, 2, 0, 3]),
    )
