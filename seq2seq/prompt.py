"""The interactive prompt of translate.py: a sentence in, its translation and attention out."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from data.errors import UserError
from data.home import with_home
from seq2seq.attention_pictures import (
    NumberedPictures,
    PictureStyle,
    check_can_write_into,
    print_heat_map,
    save_picture,
    shown,
)
from seq2seq.command_options import options_named_as_typed
from seq2seq.line_editing import read_line_with_history
from seq2seq.model_summary import model_facts, one_line_summary
from seq2seq.output_formats import one_line
from seq2seq.startup import TerminatedError

if TYPE_CHECKING:
    from seq2seq.search_options import SearchOptions
    from seq2seq.translation import Translation
    from seq2seq.translator import Translator

_PICTURE_ENDINGS = (".png", ".svg", ".pdf")
# Nobody means a directory by these.
_OTHER_PICTURES = frozenset({".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".eps"})
_ON_OFF = {"on": True, "off": False}


@dataclass(frozen=True)
class PromptSettings:
    """What commands change.

    Attributes:
        search: how to translate.
        style: of pictures and heat maps.
        pictures: where pictures go.
        draws_pictures: whether each translation is drawn there.
        draws_heat_map: whether it is drawn in the terminal.
        word_mode: see `data.words.word_spans`.
        prefix: how every translation has to begin; empty: as it likes.
    """

    search: SearchOptions
    style: PictureStyle
    pictures: NumberedPictures | None
    draws_pictures: bool
    draws_heat_map: bool
    word_mode: str = "unicode"
    prefix: str = ""


_COMMAND_OF = {
    "beam_size": ":beam",
    "n_best": ":nbest",
    "length_penalty": ":length-penalty",
    "coverage_penalty": ":coverage-penalty",
    "forced_prefix": ":prefix",
    "max_length": "--max-length",  # of the command line: the prompt has no command for it
}


class _LeaveError(Exception):
    """Raised by `:quit`."""


class Prompt:
    """Reads lines, answers them and keeps the settings between them.

    Args:
        translator: of the model.
        settings: to begin with.
        read_line: `(prompt) -> line`; raises EOFError at the end and KeyboardInterrupt for Ctrl-C.
        out: where translations go.
        notes: where everything else goes.
    """

    def __init__(
        self,
        translator: Translator,
        settings: PromptSettings,
        *,
        read_line: Callable[[str], str],
        out: TextIO,
        notes: TextIO,
    ) -> None:
        self.translator = translator
        self.settings = settings
        self._read_line = read_line
        self._out = out
        self._notes = notes
        self._count = 0
        self._last: Translation | None = None

    def run(self) -> None:
        """Greet, then answer until the end of the input or `:quit`."""
        self._say(one_line_summary(self.translator))
        self._say("Type a sentence, or a command: " + " ".join(f":{name}" for name in COMMANDS))
        self._say("Ctrl-C drops a line, Ctrl-D leaves.")
        while True:
            try:
                line = self._read_line(f"{self.settings.style.source_name}> ")
                self.answer(line)
            except EOFError:
                self._say("")
                return
            except _LeaveError:
                return
            except TerminatedError:
                raise
            except KeyboardInterrupt:
                self._say("\n(dropped; Ctrl-D or :quit leaves)")
            except UnicodeDecodeError:
                self._say("This line is not valid UTF-8; nothing was translated.")
            except UserError as error:
                self._say(f"error: {error}")

    def answer(self, line: str) -> None:
        """Obey a command (a line that begins with a colon) or translate a sentence."""
        if line.startswith(":"):
            self._obey(line)
        elif line.strip():
            self._translate(line)

    def _translate(self, sentence: str) -> None:
        settings = self.settings
        with options_named_as_typed(_COMMAND_OF):
            (translation,) = self.translator.translate(
                [sentence], settings.search, word_mode=settings.word_mode, forced_prefix=[settings.prefix]
            )
        if translation.note is not None:
            self._say(f"note: {translation.note}")
        if not translation.hypotheses:
            self._say("There is no text in this line.")
            return
        self._last = translation
        self._count += 1
        if len(translation.hypotheses) == 1:
            print(one_line(translation.text), file=self._out, flush=True)
        else:
            for rank, hypothesis in enumerate(translation.hypotheses, start=1):
                text = f"{rank}. {one_line(hypothesis.text)}  (score {hypothesis.score:.3f})"
                print(text, file=self._out, flush=True)
        if settings.draws_heat_map:
            print_heat_map(translation, settings.style, self._notes)
        if settings.draws_pictures and settings.pictures is not None:
            path = settings.pictures.save(translation, self._count, settings.style)
            self._say(f"attention: {shown(path)}")

    def _obey(self, line: str) -> None:
        name, _, argument = line[1:].strip().partition(" ")
        name = _ALIASES.get(name, name)
        if name not in COMMANDS:
            near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
            hint = f"did you mean :{near[0]}?" if near else "`:help` lists the commands."
            raise UserError(
                f"Unknown command :{name}; {hint} (A space before the colon translates the line.)"
            )
        with options_named_as_typed(_COMMAND_OF):
            COMMANDS[name].obey(self, argument.strip())

    def _say(self, text: str) -> None:
        print(text, file=self._notes, flush=True)

    def _change(self, **changes: Any) -> None:
        self.settings = replace(self.settings, **changes)

    def _change_search(self, **changes: Any) -> None:
        self._change(search=replace(self.settings.search, **changes))

    def help(self, _: str) -> None:
        for name, command in COMMANDS.items():
            self._say(f"  {f':{name} {command.argument}':<28} {command.description}")
        self._say("  A command without its value shows the present one.")

    def beam(self, argument: str) -> None:
        if argument:
            size = _whole_number(argument)
            search = self.settings.search
            # A smaller beam holds fewer hypotheses; asking for too many of them is an error that nobody made.
            n_best = search.n_best if search.sampling else min(search.n_best, max(size, 1))
            self._change_search(beam_size=size, n_best=n_best)
        self._say(
            f"beam size {self.settings.search.beam_size}, n-best {self.settings.search.n_best}"
            f"{self._nothing_to_rerank()}"
        )

    def _nothing_to_rerank(self) -> str:
        is_alone = self.settings.search.candidates == 1
        return "; nothing to rerank" if self.translator.reranker is not None and is_alone else ""

    def nbest(self, argument: str) -> None:
        if argument:
            self._change_search(n_best=_whole_number(argument))
        self._say(
            f"n-best {self.settings.search.n_best}, beam size {self.settings.search.beam_size}"
            f"{self._nothing_to_rerank()}"
        )

    def length_penalty(self, argument: str) -> None:
        if argument:
            self._change_search(length_penalty=_number(argument))
        self._say(f"length penalty {self.settings.search.length_penalty:g}")

    def coverage_penalty(self, argument: str) -> None:
        if argument:
            self._change_search(coverage_penalty=_number(argument))
        self._say(f"coverage penalty {self.settings.search.coverage_penalty:g}")

    def sample(self, argument: str) -> None:
        search = self.settings.search
        if argument in _ON_OFF:
            # More samples may be drawn than the beam holds, so a search starts again with one hypothesis.
            n_best = search.n_best if argument == "on" else min(search.n_best, search.beam_size)
            self._change_search(sampling=_ON_OFF[argument], n_best=n_best)
        elif argument:
            numbers = argument.split()
            if len(numbers) > 3:
                raise UserError(":sample takes at most three numbers: temperature, top-k, seed.")
            changes: dict[str, Any] = {"sampling": True, "temperature": _number(numbers[0])}
            changes |= dict(zip(("top_k", "seed"), map(_whole_number, numbers[1:]), strict=False))
            self._change_search(**changes)
        search = self.settings.search
        if search.sampling:
            self._say(
                f"sampling: temperature {search.temperature:g}, top-k {search.top_k}, seed {search.seed}"
                f"{self._nothing_to_rerank()}"
            )
        else:
            self._say(f"sampling off: beam search{self._nothing_to_rerank()}")

    def prefix(self, argument: str) -> None:
        self._change(prefix="" if argument == "off" else argument or self.settings.prefix)
        self._say(
            f"every translation begins with: {self.settings.prefix}" if self.settings.prefix else "no prefix"
        )

    def plot(self, argument: str) -> None:
        if argument in _ON_OFF:
            if argument == "on" and self.settings.pictures is None:
                raise UserError("Where to? Say :plot DIR")
            self._change(draws_pictures=_ON_OFF[argument])
        elif Path(argument).suffix.lower() in _PICTURE_ENDINGS:
            if self._last is None:
                raise UserError("Nothing has been translated yet: `:plot FILE` draws the last translation.")
            save_picture(self._last, with_home(argument), self.settings.style)
            self._say(f"attention: {argument}")
            return
        elif Path(argument).suffix.lower() in _OTHER_PICTURES:
            raise UserError(f"{argument}: pictures are {', '.join(_PICTURE_ENDINGS)} (or :plot DIR).")
        elif argument:
            folder = with_home(argument)
            check_can_write_into(folder)
            picture_format = self.settings.pictures.picture_format if self.settings.pictures else "png"
            self._change(pictures=NumberedPictures(folder, picture_format), draws_pictures=True)
            self._count = 0
        if self.settings.draws_pictures and self.settings.pictures is not None:
            self._say(f"pictures go to {shown(self.settings.pictures.folder)}")
        else:
            self._say("no pictures")

    def heat_map(self, argument: str) -> None:
        self._change(draws_heat_map=_on_off(argument, self.settings.draws_heat_map))
        self._say(f"heat map in the terminal {_named(self.settings.draws_heat_map)}")

    def values(self, argument: str) -> None:
        style = self.settings.style
        self._change(style=replace(style, values=_on_off(argument, style.values)))
        self._say(f"weights in the cells of pictures {_named(self.settings.style.values)}")

    def pieces(self, argument: str) -> None:
        style = self.settings.style
        draws_pieces = _on_off(argument, style.level == "pieces")
        self._change(style=replace(style, level="pieces" if draws_pieces else "words"))
        self._say(f"drawing {self.settings.style.level}")

    def info(self, _: str) -> None:
        for name, value in model_facts(self.translator):
            self._say(f"  {name:<12} {value}")

    def quit(self, _: str) -> None:
        raise _LeaveError


@dataclass(frozen=True)
class Command:
    """A command of the prompt: what it takes, what it does."""

    argument: str
    description: str
    obey: Callable[[Prompt, str], None]


COMMANDS = {
    "help": Command("", "these lines", Prompt.help),
    "beam": Command("N", "beam size; 1 is greedy search", Prompt.beam),
    "nbest": Command("N", "how many hypotheses to show", Prompt.nbest),
    "length-penalty": Command("X", "0 favours short translations, 1 is neutral", Prompt.length_penalty),
    "coverage-penalty": Command(
        "X", "against leaving out parts of the source; 0 is off", Prompt.coverage_penalty
    ),
    "sample": Command("on|off|T [K [SEED]]", "draw at random: temperature, top-k, seed", Prompt.sample),
    "prefix": Command("TEXT|off", "every translation begins with this", Prompt.prefix),
    "plot": Command("on|off|DIR|FILE", "pictures; FILE draws the last translation", Prompt.plot),
    "heat-map": Command("on|off", "the heat map in the terminal", Prompt.heat_map),
    "values": Command("on|off", "weights in the cells of pictures", Prompt.values),
    "pieces": Command("on|off", "pieces instead of words", Prompt.pieces),
    "info": Command("", "about the model", Prompt.info),
    "quit": Command("", "leave", Prompt.quit),
}
_ALIASES = {"q": "quit", "exit": "quit", "h": "help", "?": "help"}


def run_prompt(translator: Translator, settings: PromptSettings) -> None:
    """Talk to the person at the terminal until they leave."""
    read_line = read_line_with_history([f":{name}" for name in COMMANDS])
    Prompt(translator, settings, read_line=read_line, out=sys.stdout, notes=sys.stderr).run()


def _on_off(argument: str, present: bool) -> bool:
    if argument and argument not in _ON_OFF:
        raise UserError(f"Expected on or off, not {argument!r}.")
    return _ON_OFF.get(argument, present)


def _named(is_on: bool) -> str:
    return "on" if is_on else "off"


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UserError(f"Expected a whole number, not {text!r}.") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UserError(f"Expected a number, not {text!r}.") from None
