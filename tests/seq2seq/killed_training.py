"""train.py in a process that kills itself, as `kill -9` does, at a place that is told beforehand.

    python tests/seq2seq/killed_training.py PLACE [train.py's own arguments]

PLACE is `batch:SAVED:KILLED` (the state is written after batch SAVED of the process, and it dies after batch
KILLED), `validation:N` (in the N-th validation, before anything of it is kept), `model:N` (just after the
N-th best model was written), `saved:N` (just after the N-th state), `saving:N` (in the middle of writing it),
`tokenizer` (before the tokenizer is trained) or `never` (it saves after every third batch and goes on).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from seq2seq.startup import prepare_environment, run_command


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after_call(number: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, but its `number`-th call is the last thing the process does."""
    calls = 0

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        result = function(*arguments, **named)
        if calls == number:
            die()
        return result

    return counted


def before_call(number: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, but the process ends where it would be called for the `number`-th time."""
    calls = 0

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            die()
        return function(*arguments, **named)

    return counted


def save_after(is_due: Callable[[int], bool]) -> None:
    """Write the state after the batches of this process that `is_due` names, not by the clock."""
    from seq2seq.training_state import ResumableState

    end_of_batch = ResumableState.on_train_batch_end
    batches = 0

    def counting(self: ResumableState, *arguments: Any, **named: Any) -> None:
        nonlocal batches
        batches += 1
        self.every_seconds = 0 if is_due(batches) else 10**9
        end_of_batch(self, *arguments, **named)

    ResumableState.on_train_batch_end = counting


def half_written(number: int) -> None:
    from seq2seq import training_state

    write_all = training_state.write_arrays
    calls = 0

    def counted(path: Path, arrays: Any) -> None:
        nonlocal calls
        calls += 1
        write_all(path, arrays if calls < number else half_of(list(arrays)))

    def half_of(arrays: list[Any]) -> Any:
        yield from arrays[: len(arrays) // 2]
        die()

    training_state.write_arrays = counted


def arm(place: str) -> None:
    """Put the end of the process into its place."""
    from data.quiet_tensorflow import load_tensorflow_quietly

    load_tensorflow_quietly()
    from seq2seq import training_data, training_state, validation

    kind, *numbers = place.split(":")
    first, last = (int(numbers[0]), int(numbers[-1])) if numbers else (0, 0)
    state = training_state.ResumableState
    if kind == "batch":
        save_after(lambda batch: batch == first)
        state.on_train_batch_end = after_call(last, state.on_train_batch_end)
    elif kind == "validation":
        save_after(lambda batch: batch % 3 == 0)
        validation.Validation._bleu = before_call(first, validation.Validation._bleu)
    elif kind == "model":
        validation.save_model = after_call(first, validation.save_model)
    elif kind == "saved":
        save_after(lambda batch: batch % 3 == 0)
        training_state.save_state = after_call(first, training_state.save_state)
    elif kind == "saving":
        save_after(lambda batch: batch % 3 == 0)
        half_written(first)
    elif kind == "tokenizer":
        training_data.train_tokenizers = die
    elif kind == "never":
        save_after(lambda batch: batch % 3 == 0)
    else:
        raise ValueError(place)


if __name__ == "__main__":
    from seq2seq.train_command import main

    def armed_main(arguments: list[str] | None) -> int:
        arm(place)
        return main(arguments)

    place = sys.argv.pop(1)
    prepare_environment()
    # As many threads as in the process of the tests (0: TensorFlow's own number), so that sums round alike.
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, "0")
    run_command(armed_main)
