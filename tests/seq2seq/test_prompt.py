"""The prompt: commands, what stays after a mistake, Ctrl-C and Ctrl-D; and once on a real terminal."""

from __future__ import annotations

import io
import os
import re
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from seq2seq.attention_pictures import NumberedPictures, PictureStyle
from seq2seq.line_editing import history_file, read_line_with_history
from seq2seq.prompt import COMMANDS, Prompt, PromptSettings
from seq2seq.reranking import Reranker
from seq2seq.startup import TerminatedError
from seq2seq.translator import Translator
from tests.seq2seq.tiny_run import CopyModel, tiny_config

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def copier(tiny_tokenizers):
    model = CopyModel(tiny_tokenizers.source.vocabulary_size, certainty=6.0)
    return Translator([model], tiny_tokenizers, [tiny_config()])


@pytest.fixture
def talk(copier, tmp_path):
    """Say lines (or exceptions) and get the prompt, what it said on stdout and on stderr."""

    def say(*lines, heat_map=False, **settings):
        left = list(lines)
        out, notes = io.StringIO(), io.StringIO()

        def read_line(prompt):
            notes.write(prompt)
            line = left.pop(0) if left else EOFError()
            if isinstance(line, BaseException):
                raise line
            return line

        present = {
            "search": copier.default_options(),
            "style": PictureStyle(source_name="en", target_name="xx"),
            "pictures": NumberedPictures(tmp_path / "plots"),
            "draws_pictures": False,
            "draws_heat_map": heat_map,
        }
        prompt = Prompt(
            copier, PromptSettings(**{**present, **settings}), read_line=read_line, out=out, notes=notes
        )
        prompt.run()
        assert not left, "the prompt left before the end of the input"
        return prompt, out.getvalue(), notes.getvalue()

    return say


def test_it_says_when_there_is_nothing_to_rerank(talk, copier, monkeypatch):
    said = "; nothing to rerank"
    lines = (":beam 1", ":sample on", ":nbest 3", ":nbest 1", ":sample off", ":beam 2")
    assert said not in talk(*lines)[2]
    monkeypatch.setattr(copier, "reranker", Reranker(copier, 0.5))
    notes = talk(*lines)[2].split("en> ")[1:-1]
    assert [said in line for line in notes] == [True, True, False, True, True, False]


def test_it_greets_and_keeps_translations_apart_from_everything_else(talk):
    _, out, notes = talk("two dogs", "", "   ", "a child", heat_map=True)
    assert out == "two dogs\na child\n"
    assert notes.startswith("tiny: en to xx, 0.0 M parameters\n")
    assert all(f":{name}" in notes.splitlines()[1] for name in COMMANDS)
    assert "dogs" in notes  # a column of the heat map
    assert "en> " in notes


def test_each_translation_is_drawn_under_its_own_number(talk, tmp_path):
    _, _, notes = talk("two dogs", "a child", ":plot off", "the garden.", draws_pictures=True)
    assert [path.name for path in sorted((tmp_path / "plots").iterdir())] == [
        "0001-two-dogs.png",
        "0002-a-child.png",
    ]
    assert "0002-a-child.png" in notes


def test_plot_chooses_a_directory_or_draws_the_last_translation(talk, tmp_path):
    prompt, _, notes = talk(
        f":plot {tmp_path}/early.png",
        "two dogs",
        f":plot {tmp_path}/last.svg",
        f":plot {tmp_path}/last.jpg",
        ":plot ~nosuchuser/pictures",
        f":plot {tmp_path}/new",
        "a child",
    )
    assert "Nothing has been translated yet" in notes
    assert not (tmp_path / "early.png").exists()
    assert (tmp_path / "last.svg").stat().st_size > 1000
    assert "last.jpg: pictures are .png, .svg, .pdf" in notes
    assert not (tmp_path / "last.jpg").exists()
    assert "~nosuchuser/pictures: the home directory" in notes
    assert (tmp_path / "new" / "0001-a-child.png").exists()
    assert not (tmp_path / "plots").exists()
    assert prompt.settings.draws_pictures


def test_commands_change_the_search(talk):
    prompt, out, _ = talk(
        ":beam 4", ":nbest 3", ":length-penalty 0.5", ":coverage-penalty 0.25", "two dogs", ":beam 2"
    )
    search = prompt.settings.search
    assert (search.beam_size, search.n_best) == (2, 2)
    assert (search.length_penalty, search.coverage_penalty) == (0.5, 0.25)
    lines = out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("1. two dogs  (score -")
    # Their texts may look alike: of equally likely tokens, some are bytes that cannot be seen.
    assert [line[:3] for line in lines] == ["1. ", "2. ", "3. "]


def test_sampling_can_be_asked_for_and_left(talk):
    prompt, out, notes = talk(":sample 1.5 10 7", "two dogs", ":sample", ":sample off", "two dogs")
    assert "sampling: temperature 1.5, top-k 10, seed 7" in notes
    assert not prompt.settings.search.sampling
    assert out.splitlines()[1] == "two dogs"
    again, _, _ = talk(":sample 0.7")
    assert (again.settings.search.sampling, again.settings.search.temperature) == (True, 0.7)


def test_a_prefix_holds_until_it_is_switched_off(talk):
    _, out, _ = talk(":prefix my sister", "two dogs paint", ":prefix off", "two dogs")
    first, second = out.splitlines()
    assert first.startswith("my sister")
    assert second == "two dogs"


def test_style_of_pictures(talk):
    prompt, _, notes = talk(":pieces on", ":values on", ":heat-map on", "two dogs", ":pieces off", ":values")
    assert (prompt.settings.style.level, prompt.settings.style.values) == ("words", True)
    assert prompt.settings.draws_heat_map
    assert "▁" in notes


def test_information_about_the_model(tiny_run):
    notes = io.StringIO()
    translator = Translator.load(tiny_run)
    settings = PromptSettings(translator.default_options(), PictureStyle(), None, False, False)
    lines = iter([":info"])

    def read_line(_):
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    Prompt(translator, settings, read_line=read_line, out=io.StringIO(), notes=notes).run()
    said = notes.getvalue()
    assert "en to xx" in said
    assert "340 pieces for both languages (bpe)" in said
    assert (
        f"{sum(weight.numpy().size for weight in translator.models[0].trainable_weights) / 1e6:.1f} M" in said
    )
    assert "BLEU 12.35, epoch 3 of 4" in said or "BLEU 12.34, epoch 3 of 4" in said
    assert str(tiny_run.path) in said


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (":baem 3", "did you mean :beam?"),
        (":xyzzy", ":help"),
        (":beam many", "Expected a whole number, not 'many'"),
        (":beam 0", "error: :beam must be"),
        (":nbest 99", "error: :nbest must be from 1 to :beam ("),
        (":length-penalty -1", "error: :length-penalty must be"),
        (":sample 0", "temperature must be"),
        (":sample 1 2 3 4", "at most three numbers"),
        (":plot a\0b", "no NUL character"),
        (":values perhaps", "Expected on or off, not 'perhaps'"),
        (":", "Unknown command"),
    ],
)
def test_a_mistake_is_explained_and_changes_nothing(talk, line, answer):
    before, _, _ = talk()
    prompt, out, notes = talk(line, "two dogs")
    assert "error: " in notes
    assert answer in notes
    assert prompt.settings.search == before.settings.search
    assert out == "two dogs\n"


def test_a_beam_leaves_the_number_of_samples_alone(talk):
    prompt, _, _ = talk(":sample on", ":nbest 8", ":beam 5")
    assert (prompt.settings.search.beam_size, prompt.settings.search.n_best) == (5, 8)


def test_a_space_makes_a_sentence_of_what_looks_like_a_command(talk):
    _, out, notes = talk(" :beam")
    assert out == ":beam\n"
    assert "error" not in notes


def test_ctrl_c_drops_the_line_and_stays(talk):
    _, out, notes = talk(KeyboardInterrupt(), "two dogs")
    assert out == "two dogs\n"
    assert "dropped" in notes


def test_a_prefix_too_long_is_said_in_the_words_of_the_prompt(talk, copier):
    search = replace(copier.default_options(), max_length=1)
    _, out, notes = talk(":prefix my sister and the old man", "two dogs", search=search)
    assert out == ""
    assert re.search(r"error: :prefix has \d+ tokens, more than --max-length \(1\) allows", notes)


def test_sigterm_ends_it(talk):
    with pytest.raises(TerminatedError):
        talk(TerminatedError(), "two dogs")


def test_ctrl_c_during_a_translation_stays(talk, copier, monkeypatch):
    whole = copier.translate
    calls = []

    def interrupted_once(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return whole(*arguments, **options)

    monkeypatch.setattr(copier, "translate", interrupted_once)
    assert talk("two dogs", "a child")[1] == "a child\n"


def test_a_line_that_is_not_utf8_is_dropped(talk):
    _, out, notes = talk(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "two dogs")
    assert out == "two dogs\n"
    assert "not valid UTF-8" in notes


@pytest.mark.parametrize("word", [":quit", ":q", ":exit"])
def test_quit_leaves(talk, word):
    assert talk("two dogs", word)[1] == "two dogs\n"


def test_long_and_hopeless_lines_are_answered_with_a_note(talk):
    _, out, notes = talk("two dogs " * 100, "\u200b")
    assert out.startswith("two dogs two dogs")
    assert "note: the source has" in notes
    assert "There is no text in this line." in notes


def test_a_history_that_cannot_be_kept_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file" / "below"))
    # At the end of the tests the history would be that of whoever runs them.
    monkeypatch.setattr("atexit.register", lambda *_: None)
    assert history_file().is_relative_to(tmp_path)
    read_line_with_history()
    from seq2seq.line_editing import _save_history

    _save_history(0)


def test_prompts_side_by_side_lose_no_line_of_each_other(tmp_path):
    program = """
import readline, sys
from seq2seq.line_editing import history_file, read_line_with_history
history_file().parent.mkdir(parents=True, exist_ok=True)
if not history_file().exists():
    history_file().write_text("of old\\n")
read_line_with_history()
readline.add_history("line of " + sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
"""
    pytest.importorskip("readline")
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "TERM": "dumb"}
    prompts = [
        subprocess.Popen(
            [sys.executable, "-c", program, name],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for name in ("one", "two")
    ]
    assert [prompt.stdout.readline() for prompt in prompts] == [b"ready\n"] * 2
    for prompt in prompts:
        prompt.communicate(timeout=30)
    lines = (tmp_path / "seq2seq-translator" / "history").read_text().splitlines()
    assert lines == ["of old", "line of one", "line of two"]


def test_on_a_terminal(tiny_run, tmp_path):
    fcntl, termios = (
        pytest.importorskip(name, reason="needs a pseudo-terminal") for name in ("fcntl", "termios")
    )
    primary, secondary = os.openpty()
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen(
        [sys.executable, "translate.py", "--model", str(tiny_run.path), "--no-plot"],
        cwd=ROOT,
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
        env=environment,
        start_new_session=True,
        # The terminal sends SIGINT for Ctrl-C to the session that it controls. Whoever runs the tests in the
        # background may have told them to ignore it, and a child inherits that.
        preexec_fn=lambda: (
            signal.signal(signal.SIGINT, signal.SIG_DFL),
            fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        ),
    )
    os.close(secondary)
    screen = ""

    def wait_for(text: str) -> None:
        nonlocal screen
        end = time.monotonic() + 60
        while text not in screen:
            assert time.monotonic() < end, f"no {text!r} within a minute:\n{screen}"
            if select.select([primary], [], [], 1)[0]:
                screen += os.read(primary, 65536).decode(errors="replace")

    try:
        wait_for("en> ")
        assert "Loading" in screen
        screen = screen.partition("en> ")[2]
        os.write(primary, b"two dogz\x7fs\n")  # with a correction
        wait_for("en> ")
        assert "</s>" in screen  # of the heat map
        assert "\x1b[" in screen
        screen = ""
        os.write(primary, b"half a li")
        wait_for("half a li")
        # A signal in the moment before Python's prompt waits for a key is heard with that key only.
        time.sleep(0.3)
        os.write(primary, b"\x03")
        wait_for("dropped")
        os.write(primary, b":quit\n")
        process.wait(30)
    finally:
        process.kill()
        os.close(primary)
    assert process.returncode == 0
    assert "two dogs" in (tmp_path / "seq2seq-translator" / "history").read_text()
