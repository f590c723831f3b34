"""The loop over time with a backward pass of its own: the same numbers as `plain_scan`, sooner.

TensorFlow's own gradient of a loop keeps every intermediate result of every step, and adds the gradient of
every weight to a running sum at each step: as many passes over all weights as there are steps. Here

- the forward loop keeps, for each step, only the previous state and the results of products and attention;
- the backward loop computes the cheap rest of a step (gates, masks) again, differentiates it, and multiplies
  gradients with the transposed kernels: all that the step before needs;
- after the loop, the gradient of each kernel is one product over all steps: X^T dY, where X and dY are the
  inputs and the results' gradients of its products, (time * batch, n) and (time * batch, m). A memory, which
  is a kernel of its own for every sentence, likewise.

The step itself is the one that the plain loop and the search run; see `replayed_operations.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.additive_attention import MemoryGradient
from seq2seq.matmul_precision import multiply_transposed
from seq2seq.recurrence import Step, empty_array, unstack
from seq2seq.replayed_operations import Plan, Replaying, Saving


def fast_scan(
    step: Step, inputs: Any, initial_state: Any, weights: Any, *, reverse: bool = False
) -> tuple[Any, Any]:
    """As `plain_scan`, with the same results and the same gradients.

    Gradients reach `inputs`, `initial_state` and `weights`; what `step` takes from elsewhere (a dropout mask)
    gets none. A kernel must serve in products only, a memory in `attend` only.
    """
    sizes = [len(tf.nest.flatten(each)) for each in (inputs, initial_state, weights)]
    loop = _Loop(step, inputs, initial_state, weights, reverse)

    @tf.custom_gradient
    def run(*flat: Any) -> Any:
        flat_inputs, flat_state, flat_weights = _cut(flat, sizes)
        final_state, outputs, kept = loop.forward(flat_inputs, flat_state, flat_weights)

        def gradient(*result_gradients: Any) -> Any:
            state_gradients, output_gradients = _cut(result_gradients, [sizes[1], len(outputs)])
            return loop.backward(flat_inputs, flat_weights, kept, state_gradients, output_gradients)

        return (*final_state, *outputs), gradient

    results = run(*tf.nest.flatten((inputs, initial_state, weights)))
    final_state = tf.nest.pack_sequence_as(initial_state, list(results[: sizes[1]]))
    return final_state, tf.nest.pack_sequence_as(loop.outputs, list(results[sizes[1] :]))


class _Kept(NamedTuple):
    """What the forward loop leaves for the backward loop: arrays with one entry per step."""

    states: list[tf.TensorArray]  # before the step
    products: list[tf.TensorArray]
    attended: list[tf.TensorArray]  # context, weights, context, weights, ...
    gated: list[tf.TensorArray]


class _StepGradients(NamedTuple):
    """What one step of the backward loop finds out, apart from the gradient by its state."""

    inputs: list[Any]  # of float inputs
    rows: list[Any]
    row_gradients: list[Any]
    kept_weights: list[Any]
    context_gradients: list[Any]


class _Sums(NamedTuple):
    """Gradients that the backward loop adds up."""

    memories: list[MemoryGradient]
    elementwise: list[Any]  # by weights that no heavy operation takes


class _Loop:
    """The two loops of one `fast_scan`. Their lists are flat; `_run_step` packs them as `step` knows them."""

    outputs: Any  # the structure of the step's outputs, known after `forward`
    plan: Plan

    def __init__(self, step: Step, inputs: Any, initial_state: Any, weights: Any, reverse: bool) -> None:
        self._step = step
        self._structures = (initial_state, inputs, weights)
        self._reverse = reverse

    def _run_step(self, state: list[Any], now: list[Any], weights: list[Any], operations: Any) -> Any:
        flats = (state, now, weights)
        state_nest, now_nest, weights_nest = (
            tf.nest.pack_sequence_as(structure, flat)
            for structure, flat in zip(self._structures, flats, strict=True)
        )
        return self._step(state_nest, now_nest, weights_nest, operations)

    def forward(
        self, inputs: list[Any], state: list[Any], weights: list[Any]
    ) -> tuple[list[Any], list[Any], _Kept]:
        """Returns the final state, the stacked outputs, and what `backward` needs."""
        time = tf.shape(inputs[0])[0]
        # One step outside the loop tells what there is to collect; it is pruned from the graph.
        self.plan = Plan(weights)
        _, self.outputs = self._run_step(state, [each[0] for each in inputs], weights, self.plan)
        examples = (tf.nest.flatten(self.outputs), state, *self.plan.kept())
        collected = [[empty_array(each, time) for each in group] for group in examples]
        arrays = [unstack(each) for each in inputs]
        operands = self.plan.operands(weights)

        def body(count: Any, state: list[Any], collected: list[Any]) -> tuple[Any, ...]:
            index = time - 1 - count if self._reverse else count
            saving = Saving(operands)
            now = [array.read(index) for array in arrays]
            new_state, outputs = self._run_step(state, now, weights, saving)
            results = (tf.nest.flatten(outputs), state, *saving.kept())
            return count + 1, tf.nest.flatten(new_state), _write(collected, index, results)

        _, final_state, (stacked, *kept) = tf.while_loop(
            lambda count, *_: count < time, body, (0, state, collected), maximum_iterations=time
        )
        return final_state, [array.stack() for array in stacked], _Kept(*kept)

    def backward(
        self,
        inputs: list[Any],
        weights: list[Any],
        kept: _Kept,
        state_gradients: list[Any],
        output_gradients: list[Any],
    ) -> list[Any]:
        """Returns the gradients by inputs, initial state and weights; None for what is not a float."""
        time = tf.shape(inputs[0])[0]
        arrays = [unstack(each) for each in inputs]
        gradient_arrays = [unstack(each) for each in output_gradients]
        operands = self.plan.operands(weights)

        def differentiate(index: Any, state_gradients: list[Any], sums: _Sums) -> Any:
            attended = [array.read(index) for array in kept.attended]
            replaying = Replaying(
                operands,
                [array.read(index) for array in kept.products],
                list(zip(attended[::2], attended[1::2], strict=True)),
                [array.read(index) for array in kept.gated],
                sums.memories,
            )
            return self._step_gradient(
                [array.read(index) for array in kept.states],
                [array.read(index) for array in arrays],
                weights,
                replaying,
                [*state_gradients, *(array.read(index) for array in gradient_arrays)],
                sums,
            )

        def body(count: Any, state_gradients: list[Any], sums: _Sums, collected: Any) -> tuple[Any, ...]:
            index = count if self._reverse else time - 1 - count
            state_gradients, found, sums = differentiate(index, state_gradients, sums)
            return count + 1, state_gradients, sums, _write(collected, index, found)

        sums = self._no_sums(weights)
        last = 0 if self._reverse else time - 1
        _, example, _ = differentiate(last, state_gradients, sums)
        collected = [[empty_array(each, time) for each in group] for group in example]
        _, state_gradients, sums, collected = tf.while_loop(
            lambda count, *_: count < time,
            body,
            (0, state_gradients, sums, collected),
            maximum_iterations=time,
        )
        found = _StepGradients(*([array.stack() for array in group] for group in collected))
        by_input = iter(found.inputs)
        input_gradients = [next(by_input) if each.dtype.is_floating else None for each in inputs]
        return [*input_gradients, *state_gradients, *self._weight_gradients(weights, found, sums)]

    def _step_gradient(
        self,
        state: list[Any],
        now: list[Any],
        weights: list[Any],
        replaying: Replaying,
        result_gradients: list[Any],
        sums: _Sums,
    ) -> tuple[list[Any], _StepGradients, _Sums]:
        """Differentiate one step: the gradients by its state, what to collect, and the sums so far."""
        float_inputs = [each for each in now if each.dtype.is_floating]
        elementwise = [weights[place] for place in self.plan.elementwise_places()]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([*state, *float_inputs, *elementwise])
            new_state, outputs = self._run_step(state, now, weights, replaying)
        by_state, by_input, by_weight = tape.gradient(
            [*tf.nest.flatten(new_state), *tf.nest.flatten(outputs)],
            (state, float_inputs, elementwise),
            output_gradients=result_gradients,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        found = _StepGradients(
            by_input,
            replaying.rows,
            replaying.row_gradients,
            replaying.kept_weights,
            replaying.context_gradients,
        )
        summed = [total + each for total, each in zip(sums.elementwise, by_weight, strict=True)]
        return by_state, found, _Sums(replaying.summed, summed)

    def _no_sums(self, weights: list[Any]) -> _Sums:
        memories = []
        for _, projected, vector in self.plan.memory_weights:
            by_sentence = tf.zeros(tf.shape(weights[projected])[::2], weights[vector].dtype)
            by_sentence = tf.ensure_shape(by_sentence, weights[projected].shape[::2])
            memories.append(MemoryGradient(tf.zeros_like(weights[projected]), by_sentence))
        return _Sums(memories, [tf.zeros_like(weights[place]) for place in self.plan.elementwise_places()])

    def _weight_gradients(self, weights: list[Any], found: _StepGradients, sums: _Sums) -> list[Any]:
        gradients: list[Any] = [None] * len(weights)

        def add(place: int, gradient: Any) -> None:
            gradients[place] = gradient if gradients[place] is None else gradients[place] + gradient

        for product, rows, row_gradients in zip(
            self.plan.product_weights, found.rows, found.row_gradients, strict=True
        ):
            # (time, batch, n) -> (time * batch, n)
            flat_gradients = tf.reshape(row_gradients, (-1, row_gradients.shape[-1]))
            by_kernel = multiply_transposed(tf.reshape(rows, (-1, rows.shape[-1])), flat_gradients)
            add(product.kernel, tf.cast(by_kernel, weights[product.kernel].dtype))
            if product.bias is not None:
                full = tf.cast(flat_gradients, weights[product.bias].dtype)
                add(product.bias, tf.reduce_sum(full, axis=0))
        for memory, kept_weights, context_gradients, summed in zip(
            self.plan.memory_weights, found.kept_weights, found.context_gradients, sums.memories, strict=True
        ):
            # (time, batch, source_length), (time, batch, units) -> (batch, source_length, units)
            sources_first = tf.transpose(kept_weights, (1, 2, 0))
            by_memory = tf.matmul(sources_first, tf.transpose(context_gradients, (1, 0, 2)))
            add(memory.memory, by_memory)
            add(memory.projected_memory, summed.projected_memory)
            add(memory.score_vector, tf.reduce_sum(summed.score_vector, axis=0))
        for place, gradient in zip(self.plan.elementwise_places(), sums.elementwise, strict=True):
            add(place, gradient)
        return gradients


def _cut(flat: Any, sizes: list[int]) -> list[list[Any]]:
    """One list after another, of these sizes."""
    rest = iter(flat)
    return [[next(rest) for _ in range(size)] for size in sizes]


def _write(arrays: Any, index: Any, groups: Any) -> list[list[tf.TensorArray]]:
    return [
        [array.write(index, each) for array, each in zip(array_group, group, strict=True)]
        for array_group, group in zip(arrays, groups, strict=True)
    ]
