"""What a search emitted, step by step, and how to read whole hypotheses out of it.

While the beam is reordered, nothing that is already written moves: each step notes which slot each of its
hypotheses grew from, and the chosen ones are followed backwards once, at the end. Attention weights, the
largest part, are therefore written once and gathered once.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class History(NamedTuple):
    """One `tf.TensorArray` per quantity, with one entry per step.

    Slots are places in a step's beam. `attention_weights` are written in the order of the slots that the step
    started from (its parents), all else in the order of the slots that it made.
    """

    tokens: tf.TensorArray  # (batch, beam) int32
    parents: tf.TensorArray  # (batch, beam) int32
    token_log_probability: tf.TensorArray  # (batch, beam) float32
    attention_weights: tf.TensorArray  # (batch, beam, source_length) float32

    @classmethod
    def for_steps(cls, steps: tf.Tensor, beam_size: int) -> History:
        """An empty history with room for `steps` steps."""

        def array(dtype: tf.DType, *shape: int | None) -> tf.TensorArray:
            return tf.TensorArray(dtype, size=steps, element_shape=[None, beam_size, *shape])

        return cls(array(tf.int32), array(tf.int32), array(tf.float32), array(tf.float32, None))

    def write(
        self,
        step: tf.Tensor,
        tokens: tf.Tensor,
        parents: tf.Tensor,
        token_log_probability: tf.Tensor,
        attention_weights: tf.Tensor,
    ) -> History:
        """The history with one step more."""
        return History(
            self.tokens.write(step, tokens),
            self.parents.write(step, parents),
            self.token_log_probability.write(step, token_log_probability),
            self.attention_weights.write(step, attention_weights),
        )


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
    steps: tf.Tensor,
    last_step: tf.Tensor,
    last_slot: tf.Tensor,
    finished: tf.Tensor,
    score: tf.Tensor,
) -> Hypotheses:
    """Read hypotheses out of a history, from their last token to their first.

    Args:
        history: of the search.
        steps: () int32, how many steps it holds; at least 1.
        last_step: (batch, n_best) int32, the step that emitted a hypothesis' last token; -1: no hypothesis.
        last_slot: (batch, n_best) int32, the slot it had after that step.
        finished: (batch, n_best) bool.
        score: (batch, n_best) float32.

    Returns:
        The hypotheses, as long as the longest of them.
    """
    lengths = last_step + 1
    longest = tf.clip_by_value(tf.reduce_max(lengths), 1, steps)
    written = tf.range(longest)
    parents_of_step = history.parents.gather(written)  # (length, batch, beam)

    def one_step_back(
        step: tf.Tensor, slot_after: tf.Tensor, slots: tf.TensorArray, parents: tf.TensorArray
    ) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray, tf.TensorArray]:
        # Beyond a hypothesis' last step `slot_after` still is its last slot, so it enters the walk there.
        parent = tf.gather(parents_of_step[step], slot_after, batch_dims=1)
        slot_before = tf.where(step <= last_step, parent, slot_after)
        return step - 1, slot_before, slots.write(step, slot_after), parents.write(step, parent)

    slot_array = tf.TensorArray(tf.int32, size=longest, element_shape=last_slot.shape)
    parent_array = tf.TensorArray(tf.int32, size=longest, element_shape=last_slot.shape)
    _, _, slot_array, parent_array = tf.while_loop(
        lambda step, *_: step >= 0, one_step_back, (longest - 1, last_slot, slot_array, parent_array)
    )
    slots, parents = slot_array.stack(), parent_array.stack()  # (length, batch, n_best)

    def read(array: tf.TensorArray, places: tf.Tensor) -> tf.Tensor:
        return tf.gather(array.gather(written), places, batch_dims=2)  # (length, batch, n_best, ...)

    is_real = written[:, None, None] < lengths  # (length, batch, n_best)
    tokens = tf.where(is_real, read(history.tokens, slots), 0)
    token_log_probabilities = tf.where(is_real, read(history.token_log_probability, slots), 0.0)
    attention_weights = tf.where(is_real[..., None], read(history.attention_weights, parents), 0.0)
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
