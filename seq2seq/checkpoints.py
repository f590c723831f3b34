"""The weights of some epochs of a run, kept so that one can look back at how it learnt."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.errors import UserError

if TYPE_CHECKING:
    from seq2seq.model import Seq2SeqModel

_NAME = re.compile(r"epoch_([0-9]{4,9})\.npz")


class Checkpoints:
    """One file for each kept epoch, with nothing but the model's trainable weights (float32).

    Args:
        folder: where they are; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, epoch: int) -> Path:
        """The file of an epoch, counted from 1."""
        return self.folder / f"epoch_{epoch:04d}.npz"

    def epochs(self) -> list[int]:
        """The kept epochs, first to last."""
        if not self.folder.is_dir():
            return []
        matches = (_NAME.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(int(match[1]) for match in matches if match)

    def check_kept(self, epoch: int) -> None:
        """Check that an epoch can be loaded.

        Raises:
            UserError: it was not kept; says which were, or how to keep some.
        """
        if self.path(epoch).is_file():
            return
        kept = self.epochs()
        if not kept:
            raise UserError(
                f"{self.path(epoch)} does not exist: this run kept the weights of no epoch. Train with "
                "--set training.keep_checkpoints=1 to keep those of every epoch from then on."
            )
        raise UserError(
            f"{self.path(epoch)} does not exist: epoch {epoch} was not kept. Kept epochs: "
            f"{', '.join(map(str, kept))}."
        )

    def save(self, epoch: int, model: Seq2SeqModel) -> None:
        """Write the weights that the model has now; an epoch that is trained again replaces its file."""
        import keras

        from seq2seq.array_file import write_arrays

        write_arrays(
            self.path(epoch),
            (
                (f"{place:04d}", keras.ops.convert_to_numpy(variable))
                for place, variable in enumerate(model.trainable_variables)
            ),
        )

    def load_into(self, epoch: int, model: Seq2SeqModel) -> None:
        """Give a built model the weights of an epoch.

        Raises:
            UserError: the epoch was not kept, its file is damaged, or it is that of another model.
        """
        import numpy as np

        self.check_kept(epoch)
        path = self.path(epoch)
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays: list[Any] = [file[name] for name in sorted(file.files)]
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(
                f"{path} is damaged ({error}). Delete it; the others can still be used."
            ) from error
        shapes = [tuple(variable.shape) for variable in model.trainable_variables]
        if [array.shape for array in arrays] != shapes:
            raise UserError(f"{path} holds the weights of another model than that of its run.")
        for variable, array in zip(model.trainable_variables, arrays, strict=True):
            variable.assign(array)
