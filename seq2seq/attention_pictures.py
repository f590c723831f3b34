"""Where a command puts its pictures of attention, and the compact one that it draws in the terminal."""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from data.errors import UserError, file_errors
from seq2seq.translation import Level, Translation, source_labels

_NAME_WORDS = 4
_LONGEST_NAME = 60  # bytes: file systems count those, and 255 is the most
_LIGHT_BACKGROUNDS = frozenset({"7", *map(str, range(9, 16))})
_NUMBERED = re.compile(r"([0-9]{4,9})(?:-.*)?\.(?:png|svg|pdf)", re.IGNORECASE)


@dataclass(frozen=True)
class PictureStyle:
    """What is common to the pictures of one command.

    Attributes:
        level: draw words or pieces.
        values: write each weight into its cell.
        source_name: of the columns, such as the language.
        target_name: of the rows.
        weight_name: what the colours mean.
    """

    level: Level = "words"
    values: bool = False
    source_name: str = "source"
    target_name: str = "target"
    weight_name: str = "attention weight"


def save_picture(translation: Translation, path: Path, style: PictureStyle) -> None:
    """Draw the best hypothesis into a file, replacing an older one.

    Raises:
        UserError: there is nothing to draw, the ending is unknown, or the file cannot be written.
    """
    from seq2seq.plotting import save_figure, translation_heat_map

    figure = translation_heat_map(
        translation,
        level=style.level,
        values=style.values,
        title=translation.source.text.strip(),
        source_name=style.source_name,
        target_name=style.target_name,
        weight_name=style.weight_name,
    )
    save_figure(figure, path)


class NumberedPictures:
    """Pictures in one directory: `0001-two-dogs-run-through.png` and so on, never replacing one.

    Numbers go on after the highest that is there, so in an empty directory picture n is that of line n.

    Args:
        folder: made when the first picture is saved.
        picture_format: `"png"`, `"svg"` or `"pdf"`.

    Attributes:
        count: pictures saved so far.
    """

    def __init__(self, folder: Path, picture_format: str = "png") -> None:
        self.folder = folder
        self.picture_format = picture_format
        self.count = 0
        self._before = highest_number(folder)

    def save(self, translation: Translation, number: int, style: PictureStyle) -> Path:
        """Draw a translation.

        Args:
            translation: with at least one hypothesis.
            number: of the line or of the sentence, from 1.
            style: how.

        Returns:
            The path of the picture.
        """
        with file_errors("write", self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            while not _is_new(path := self._path(translation.source.text, self._before + number)):
                self._before += 1  # of another process that started to draw here at the same time
        try:
            save_picture(translation, path, style)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self.count += 1
        return path

    def _path(self, text: str, number: int) -> Path:
        return (
            self.folder / f"{'-'.join(filter(None, (f'{number:04d}', name_of(text))))}.{self.picture_format}"
        )


def _is_new(path: Path) -> bool:
    """Make a file, empty until the picture is drawn, so that its name is taken; False where there is one."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def highest_number(folder: Path) -> int:
    """The highest number of a picture in a folder; 0 when there is none."""
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise UserError(f"Cannot put pictures into {folder}: {error.strerror}") from error
    return max((int(match[1]) for name in names if (match := _NUMBERED.fullmatch(name))), default=0)


def name_of(text: str) -> str:
    """The first words of a text as a part of a file name: lower case, letters and digits, hyphens between."""
    normal = unicodedata.normalize("NFC", text.casefold())
    # Letters, their marks, and digits.
    spaced = "".join(each if unicodedata.category(each)[0] in "LMN" else " " for each in normal)
    name = (
        "-".join(spaced.split()[:_NAME_WORDS])
        .encode("utf-8", "ignore")[:_LONGEST_NAME]
        .decode("utf-8", "ignore")
    )
    return name.strip("-")


def check_can_write_into(folder: Path) -> None:
    """Find out before any work whether pictures can be put into a directory, which is made if missing.

    Raises:
        UserError: they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot make the directory {folder} for pictures: {error.strerror}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"Cannot write pictures into {folder}: no permission. Choose another: --plots DIR")


def heat_map_text(translation: Translation, level: Level, stream: TextIO) -> str:
    """The best hypothesis drawn with characters, as wide and as colourful as `stream` can show it.

    Empty when there is nothing to draw.
    """
    from seq2seq.terminal_heat_map import render

    best = translation.best
    if best is None:
        return ""
    return render(
        best.attention_at(level, translation.source),
        source_labels(translation.source, level),
        best.labels(level),
        width=shutil.get_terminal_size().columns,
        color=has_colors(stream),
        background=terminal_background(),
    )


def print_heat_map(translation: Translation, style: PictureStyle, stream: TextIO) -> None:
    """Draw the best hypothesis, if there is one, into the terminal."""
    drawn = heat_map_text(translation, style.level, stream)
    if translation.best is not None:
        print(f"\n{drawn}\n", file=stream, flush=True)


def has_colors(stream: TextIO) -> bool:
    """Whether to colour what is printed there (https://no-color.org)."""
    is_terminal = getattr(stream, "isatty", lambda: False)  # not every stand-in for standard output has it
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def terminal_background() -> Literal["dark", "light"]:
    """What `COLORFGBG` says ("0;15": letters, then background, as numbers of the 16 colours); else dark."""
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return "light" if background in _LIGHT_BACKGROUNDS else "dark"


def shown(path: Path) -> str:
    """A path as a person would type it: relative when it is below the current directory."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
