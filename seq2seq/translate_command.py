"""What translate.py does: load, translate sentences, a file, standard input or at a prompt, write, draw."""

from __future__ import annotations

import argparse
import gzip
import io
import itertools
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO, cast

from data.errors import UserError, file_errors
from seq2seq.command_options import options_named_as_typed, rerank_weight
from seq2seq.decoding_batches import jobs_at_once
from seq2seq.startup import share_cores
from seq2seq.translate_options import parse_options

if TYPE_CHECKING:
    from seq2seq.attention_pictures import NumberedPictures, PictureStyle
    from seq2seq.output_formats import LineFormat
    from seq2seq.run_directory import RunDirectory
    from seq2seq.search_options import SearchOptions
    from seq2seq.translation import Translation
    from seq2seq.translator import Translator


def main(arguments: list[str] | None = None) -> int:
    """Run translate.py.

    Args:
        arguments: of the command line, without the program's name; those of the process when None.

    Returns:
        The exit code 0; anything else that may happen is an exception.

    Raises:
        UserError: for `seq2seq.startup.run_command` to show.
    """
    options = parse_options(arguments)
    if options.list_models:
        _list_models()
        return 0
    # All that can be wrong is found before the model is loaded, which takes seconds.
    job = _prepare(options)
    translator = _load(job, options)
    if job.source is None:
        _talk(translator, options, job)
    else:
        _translate(translator, options, job, job.source)
    return 0


def _list_models() -> None:
    from seq2seq.model_list import model_lines

    for line in model_lines():
        print(line)


@dataclass(frozen=True)
class _Job:
    """The options, checked and turned into objects; without a source, the prompt asks for sentences."""

    runs: list[RunDirectory]
    search: SearchOptions
    line_format: LineFormat
    source: _Lines | None
    style: PictureStyle
    plot: Path | None
    numbered: NumberedPictures | None
    must_draw: bool
    heat_map: bool
    reranking_run: RunDirectory | None


@dataclass(frozen=True)
class _Lines:
    """Where the lines come from.

    `name` is how notes call the source; `count` is known for files and sentences.
    """

    name: str
    lines: Iterable[str]
    count: int | None
    are_sentences: bool = False

    def place(self, number: int) -> str:
        return f"{self.name} {number}" if self.are_sentences else f"{self.name}, line {number}"


def _is_short(source: _Lines | None) -> bool:
    return source is None or source.are_sentences


def _prepare(options: argparse.Namespace) -> _Job:
    from seq2seq.attention_pictures import PictureStyle
    from seq2seq.model_summary import language_names
    from seq2seq.output_formats import line_format
    from seq2seq.reverse_model import find_reranking_model
    from seq2seq.search_options import run_search_options
    from seq2seq.shipped_models import runs_or_default

    runs = runs_or_default(options.model, "--list-models shows the others")
    configs = [run.config for run in runs]
    with options_named_as_typed():
        search = run_search_options(
            configs[0],
            beam_size=options.beam_size,
            n_best=options.n_best,
            length_penalty=options.length_penalty,
            coverage_penalty=options.coverage_penalty,
            min_length=options.min_length,
            max_length=options.max_length,
            sampling=options.sample,
            temperature=options.temperature,
            top_k=options.top_k,
            seed=options.seed,
        )
    reranking_run = find_reranking_model(options.rerank_with, runs[0], search)
    output = line_format(
        options.format, n_best=search.n_best, scoring=options.score, alignment=options.alignment
    )
    source = _lines(options)
    if options.output is not None:
        from data.atomic import check_can_write

        check_can_write(Path(options.output))
    source_name, target_name = language_names(configs[0], runs[0].read_facts())
    style = PictureStyle(
        level="pieces" if options.pieces else "words",
        values=options.values,
        source_name=source_name,
        target_name=target_name,
        weight_name="posterior attention" if options.posterior else PictureStyle.weight_name,
    )
    is_short = _is_short(source)
    heat_map = options.heat_map
    if heat_map is None:
        heat_map = is_short and sys.stdout.isatty() and sys.stderr.isatty() and options.output is None
    plot, numbered = _pictures(options, runs[0], is_short)
    if source is not None and not (heat_map or plot or numbered):
        _check_is_shown(options)
    return _Job(
        runs=runs,
        search=search,
        line_format=output,
        source=source,
        style=style,
        plot=plot,
        numbered=numbered,
        must_draw=options.plots is not None,
        heat_map=heat_map,
        reranking_run=reranking_run,
    )


def _check_is_shown(options: argparse.Namespace) -> None:
    """Options about attention are a mistake where the output has translations alone."""
    add = "add --plots DIR or --heat-map"
    if options.pieces:
        raise UserError(f"--pieces is about what is drawn, and nothing is: {add}")
    if options.posterior and options.format == "text":
        raise UserError(f"--posterior is about attention, and none is shown: {add}, or another --format")


def _lines(options: argparse.Namespace) -> _Lines | None:
    """The input, or None for the prompt."""
    from data.words import LONE_SURROGATE

    if LONE_SURROGATE.search(options.prefix or ""):
        raise UserError(f"--prefix is not valid UTF-8: {options.prefix!r}")
    if options.sentences:
        for number, sentence in enumerate(options.sentences, start=1):
            if LONE_SURROGATE.search(sentence):
                raise UserError(f"Sentence {number} of the command line is not valid UTF-8: {sentence!r}")
        return _Lines("sentence", options.sentences, len(options.sentences), are_sentences=True)
    from data.text_lines import TextFile, decode_lines

    if options.input not in (None, "-"):
        path = Path(options.input)
        # Reading it once before shows what is wrong with it at once, and how much there is to do.
        with TextFile(path) as file:
            lines = _source_target_pairs(_Lines(str(path), file, None)) if options.score else file
            count = sum(1 for _ in lines)
        return _Lines(str(path), _lines_of(path), count)
    if sys.stdin is None:
        raise UserError(
            "There is nothing to translate: standard input is closed. Give sentences on the command line or "
            "--input FILE, or connect standard input."
        )
    if options.input == "-" or not sys.stdin.isatty():
        return _Lines("standard input", decode_lines(sys.stdin.buffer, "standard input"), None)
    for wish, name in (
        (options.score, "--score"),
        (options.output, "--output"),
        (options.format != "text", "--format"),
    ):
        if wish:
            raise UserError(
                f"{name} is not for the prompt: give --input FILE, sentences on the command line, or pipe "
                "lines into standard input."
            )
    return None


def _lines_of(path: Path) -> Iterator[str]:
    from data.text_lines import TextFile

    with TextFile(path) as file:
        yield from file


def _pictures(
    options: argparse.Namespace, run: RunDirectory, is_short: bool
) -> tuple[Path | None, NumberedPictures | None]:
    """The one picture that was asked for, or the directory for many; neither when nothing is to be drawn."""
    from seq2seq.attention_pictures import NumberedPictures, check_can_write_into
    from seq2seq.plotting import check_picture_path

    if options.plot is not None:
        check_picture_path(options.plot)
        check_can_write_into(Path(options.plot).parent)
        return Path(options.plot), None
    folder = Path(options.plots) if options.plots is not None else run.plots_folder
    if options.no_plot or (options.plots is None and not is_short):
        if options.values or options.plot_format:
            raise UserError("--values and --plot-format are for pictures, and none is drawn: add --plots DIR")
        return None, None
    try:
        check_can_write_into(folder)
    except UserError as error:
        if options.plots is not None:
            raise
        # Nobody asked for these pictures: a model in a read-only place translates all the same.
        print(f"note: no pictures: {error}", file=sys.stderr)
        return None, None
    return None, NumberedPictures(folder, options.plot_format or "png")


def _load(job: _Job, options: argparse.Namespace) -> Translator:
    from data.quiet_tensorflow import load_tensorflow_quietly
    from seq2seq.line_progress import loading_note
    from seq2seq.posterior_translator import PosteriorTranslator
    from seq2seq.reranking import load_reranker
    from seq2seq.run_directory import check_same_tokenizers
    from seq2seq.translator import Translator

    check_same_tokenizers(job.runs)
    share_cores(jobs_at_once(one_by_one=_is_short(job.source) or options.batch_size == 1))
    runs = [*job.runs, *filter(None, [job.reranking_run])]
    with loading_note(", ".join(run.label for run in runs)) as loading:
        load_tensorflow_quietly()
        loading()
        translator = (PosteriorTranslator if options.posterior else Translator).load(
            job.runs,
            max_source_pieces=options.max_source_pieces,
            precision=options.precision,
            use_shortlist=options.shortlist,
            reranker=load_reranker(job.reranking_run, rerank_weight(options), options.precision),
        )
        if job.source is None:
            # The first sentence builds the graph; nobody shall wait for that at the prompt.
            translator.translate(["."], job.search)
        return translator


def _talk(translator: Translator, options: argparse.Namespace, job: _Job) -> None:
    from seq2seq.prompt import PromptSettings, run_prompt

    settings = PromptSettings(
        search=job.search,
        style=job.style,
        pictures=job.numbered,
        draws_pictures=job.numbered is not None,
        draws_heat_map=job.heat_map,
        word_mode=options.words,
        prefix=options.prefix or "",
    )
    run_prompt(translator, settings)


def _translate(translator: Translator, options: argparse.Namespace, job: _Job, source: _Lines) -> None:
    from seq2seq.attention_pictures import shown
    from seq2seq.line_progress import line_progress

    translations = _translations(translator, options, job, source)
    with options_named_as_typed(), ExitStack() as stack:
        output = stack.enter_context(_output(options.output))
        is_watched = output is sys.stdout and sys.stdout.isatty()
        advance = stack.enter_context(line_progress("Translating", source.count, hidden=is_watched))
        for index, translation in enumerate(translations):
            output.write(job.line_format(index, translation))
            # Whoever sends lines one after the other waits for the answers to those that are done.
            if is_watched or source.count is None or options.batch_size == 1:
                output.flush()
            if translation.note is not None:
                print(f"note: {source.place(index + 1)}: {translation.note}", file=sys.stderr)
            _draw(translation, index + 1, job)
            advance()
    if job.numbered is not None and not source.are_sentences:
        print(f"attention: {job.numbered.count} pictures in {shown(job.numbered.folder)}", file=sys.stderr)


def _translations(
    translator: Translator, options: argparse.Namespace, job: _Job, source: _Lines
) -> Iterator[Translation]:
    if options.score:
        return translator.score_stream(
            _source_target_pairs(source), job.search, word_mode=options.words, batch_size=options.batch_size
        )
    prefix = None if options.prefix is None else itertools.repeat(options.prefix)
    return translator.translate_stream(
        source.lines, job.search, word_mode=options.words, forced_prefix=prefix, batch_size=options.batch_size
    )


def _source_target_pairs(source: _Lines) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(source.lines, start=1):
        columns = line.split("\t") if line.strip() else ["", ""]
        if len(columns) != 2:
            raise UserError(
                f"{source.place(number)}: has {_counted(len(columns), 'column')}. --score expects "
                "`source TAB target` (two columns) or an empty line."
            )
        yield columns[0], columns[1]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _draw(translation: Translation, number: int, job: _Job) -> None:
    from seq2seq.attention_pictures import print_heat_map, save_picture, shown

    if not translation.hypotheses:
        if job.plot is not None:
            print(f"note: no picture: sentence {number} has no text", file=sys.stderr)
        return
    if job.heat_map:
        sys.stdout.flush()
        print_heat_map(translation, job.style, sys.stderr)
    path = job.plot
    if path is not None:
        save_picture(translation, path, job.style)
    elif job.numbered is not None:
        try:
            path = job.numbered.save(translation, number, job.style)
        except UserError as error:
            if job.must_draw:
                raise
            # Nobody asked for this picture: the other sentences are translated all the same.
            print(f"note: no picture: {error}", file=sys.stderr)
    if path is not None and job.source is not None and job.source.are_sentences:
        print(f"attention: {shown(path)}", file=sys.stderr)


@contextmanager
def _output(path: str | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    from data.atomic import atomic_write

    with file_errors("write", path):
        if path.endswith(".gz"):
            # Without a time or a name in it, the same text gives the same file.
            with (
                atomic_write(path, "wb") as file,
                gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as compressed,
                io.TextIOWrapper(cast(BinaryIO, compressed), encoding="utf-8", newline="\n") as text,
            ):
                yield text
            return
        with atomic_write(path) as file:
            yield cast(TextIO, file)
