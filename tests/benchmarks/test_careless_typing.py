"""The comparison of ways of typing: each reaches the translator and is scored against the same text."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import careless_typing
from seq2seq.evaluation import EvaluationSet
from seq2seq.run_directory import RunDirectory
from seq2seq.search_options import SearchOptions

SOURCES = ("Where is the old red house?", "¡Hola! Tom likes the big green tree.", "No. I don't think so.")


class Repeating:
    """Translates nothing: the hypothesis is the source."""

    def __init__(self) -> None:
        self.options: list[SearchOptions] = []

    def default_options(self) -> SearchOptions:
        return SearchOptions(beam_size=3)

    def translate_stream(self, texts: Iterable[str], options: SearchOptions) -> Iterator[Any]:
        self.options.append(options)
        return (SimpleNamespace(text=text) for text in texts)


def measured(translator: Repeating, beam_size: int | None = None) -> dict[str, tuple[float, float]]:
    sentences = EvaluationSet("own", SOURCES, tuple((source,) for source in SOURCES))
    rows = careless_typing.measure(translator, sentences, "en", "13a", beam_size)  # type: ignore[arg-type]
    return {row.typing: (row.bleu, row.chrf) for row in rows}


def test_each_way_of_typing_loses_what_it_leaves_out() -> None:
    bleu = {typing: scores[0] for typing, scores in measured(Repeating()).items()}
    assert list(bleu) == list(careless_typing.WAYS_OF_TYPING)
    whole, lower, no_mark, both, capitals = bleu.values()
    assert whole == pytest.approx(100)
    assert 100 > no_mark > both > capitals
    assert 100 > lower > both


@pytest.mark.parametrize(("asked", "searched"), [(None, 3), (1, 1)])
def test_the_beam_is_the_models_or_as_asked(asked: int | None, searched: int) -> None:
    translator = Repeating()
    measured(translator, asked)
    assert {options.beam_size for options in translator.options} == {searched}


def test_a_run_is_measured(
    tiny_run: RunDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(tiny_run.path, tmp_path / "run"))
    # The built-in corpus is into French, whatever the tiny run says.
    config = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(config.replace("target_language: xx", "target_language: fr"))
    assert careless_typing.main(["--model", str(run), "--limit", "4", "--beam-size", "1"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].endswith("validation, 4 sentences")
    assert len(printed) == 4 + len(careless_typing.WAYS_OF_TYPING)
