"""translate.py from its arguments to what stands in its files and on its two streams."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from data.errors import UserError
from seq2seq import decoding_batches, plotting, shipped_models, translate_command
from seq2seq.attention_pictures import NumberedPictures
from seq2seq.output_formats import one_line
from seq2seq.posterior_translator import PosteriorTranslator
from seq2seq.reranking import Reranker
from seq2seq.search_options import SearchOptions
from seq2seq.translate_command import main
from seq2seq.translator import Translator
from tests.seq2seq.tiny_run import MAX_LENGTH, SENTENCES, make_tiny_run, tiny_tokenizers

ROOT = Path(__file__).parents[2]
# Every character that some reader takes for the end of a line, and that must not be one here.
STRANGE_LINES = ["two\u2028dogs", "a\x85child", "the\x0bold\x0cman", "my\x00sister", "three\rwomen"]


@pytest.fixture(scope="module")
def load_once(tiny_run):
    """The real `Translator.load`, which takes a second or two, once for each run."""
    load = Translator.load
    loaded = cache(lambda paths, **options: load(paths, **options))
    return lambda runs, **options: loaded(tuple(run.path for run in runs), **options)


@pytest.fixture(scope="module")
def posterior(tiny_run):
    return PosteriorTranslator.load(tiny_run)


@pytest.fixture
def translate(tiny_run, load_once, monkeypatch, capsys):
    """Run the command with a model; gives stdout and stderr."""
    monkeypatch.setattr(Translator, "load", load_once)

    def run(*arguments, stdin: bytes | None = None, model=None) -> tuple[str, str]:
        data = io.TextIOWrapper(io.BytesIO(stdin or b""), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", data)
        assert main(["--model", str(model or tiny_run.path), *map(str, arguments)]) == 0
        return tuple(capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def expected(tiny_run, load_once):
    """What the library makes of sentences with the run's own options, as lines."""

    def texts(sentences, **options):
        translator = load_once([tiny_run])
        translations = translator.translate(sentences, translator.default_options(**options))
        return [one_line(translation.text) for translation in translations]

    return texts


def test_help_answers_without_loading_anything_heavy():
    code = (
        "import sys, seq2seq.translate_command as command\n"
        "try: command.main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'matplotlib', 'sentencepiece', 'rich', 'pydantic'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.endswith("loaded: []\n")
    for option in ("--n-best", "--coverage-penalty", "--alignment", "--plots", "examples:"):
        assert option in result.stdout


@pytest.mark.parametrize(("bfloat16", "jobs_of_a_sentence"), [(True, 8), (False, 1)])
def test_how_the_cores_are_shared(translate, monkeypatch, bfloat16, jobs_of_a_sentence) -> None:
    jobs: list[int] = []
    monkeypatch.setattr(translate_command, "share_cores", jobs.append)
    monkeypatch.setattr(decoding_batches, "core_count", lambda: 8)
    monkeypatch.setattr(decoding_batches, "bfloat16_is_fast", lambda: bfloat16)
    translate("--no-plot", "I see.")
    translate(stdin=b"I see.\n")
    translate("--batch-size", "1", stdin=b"I see.\n")
    assert jobs == [jobs_of_a_sentence, 2, jobs_of_a_sentence]


def test_without_a_model_it_takes_the_default_one_and_says_so(
    shipped_model, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(shipped_models, "MODELS_FOLDER", tmp_path / "models")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"I see.\n")))
    with pytest.raises(UserError, match=r"default one, tatoeba-en-es, is not in models/"):
        main([])
    assert capsys.readouterr() == ("", "")
    shutil.copytree(shipped_model, tmp_path / "models" / "tatoeba-en-es")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"I see.\n")))
    assert main([]) == 0
    printed, said = capsys.readouterr()
    assert printed.count("\n") == 1
    first = said.splitlines()[0]
    assert first == "model: tatoeba-en-es, English to French (--list-models shows the others)"


def test_pictures_of_a_shipped_model_go_below_runs(shipped_model, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(shipped_model.rglob("*"))
    assert main(["--model", str(shipped_model), "I see."]) == 0
    assert [path.name for path in Path("runs/tiny-en-fr/plots").iterdir()] == ["0001-i-see.png"]
    assert "attention: runs/tiny-en-fr/plots/0001-i-see.png" in capsys.readouterr().err
    assert sorted(shipped_model.rglob("*")) == before


def test_the_list_of_models_goes_to_stdout(shipped_model, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(shipped_models, "MODELS_FOLDER", shipped_model.parent)
    assert main(["--list-models"]) == 0
    printed, said = capsys.readouterr()
    assert [line.split()[0] for line in printed.splitlines()] == ["NAME", "tiny-en-fr"]
    assert said == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--beam-size", "0"], "at least 1"),
        (["--seed", "x", "--sample"], "at least 0"),
        (["--format", "xml"], "invalid choice"),
        (["--temperature", "0.5"], "add --sample"),
        (["--top-k", "5"], "add --sample"),
        (["--sample", "--beam-size", "3"], "has no beam"),
        (["--score", "--n-best", "2"], "mean nothing"),
        (["a", "--input", "b"], "not both"),
        (["--plot", "x.png"], "single sentence"),
        (["a", "b", "--plot", "x.png"], "single sentence"),
        (["a", "--plot", "x.png", "--plots", "y"], "not both"),
        (["a", "--no-plot", "--plots", "y"], "contradicts"),
        (["--min-length", "5", "--max-length", "4"], "less than"),
        (["--score", "--shortlist"], "mean nothing to it"),
        (["--score", "--max-length", "4"], "mean nothing to it"),
        (["--sample", "--shortlist"], "whole vocabulary"),
        (["--rerank-weight", "0.5"], "name it with --rerank-with"),
        (["--rerank-with", "x", "--rerank-weight", "-1"], "at least 0"),
        (
            ["--score", "--rerank-with", "x"],
            "--rerank-with, --min-length and --max-length mean nothing to it",
        ),
        (["a", "--plot", "x.png", "--plot-format", "svg"], "leave out"),
    ],
)
def test_contradictions_end_with_the_usage(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--model", "nowhere", *arguments])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "nowhere", "a"], "nowhere does not exist"),
        (["--n-best", "9", "a"], "--n-best must be from 1 to --beam-size"),
        (["--max-length", "3000000000", "a"], "--max-length must be a whole number from 1 to 1,000,000"),
        (["--length-penalty", "-1", "a"], "--length-penalty must be"),
        (["--format", "pharaoh", "--n-best", "2", "a"], "--n-best must be 1"),
        (["--alignment", "argmax", "a"], "--format text has none"),
        (["--format", "pharaoh", "--alignment", "best", "a"], "expected argmax"),
        (["--plot", "picture.gif", "a"], "endings"),
        (["--input", "no/such/file"], "does not exist"),
        (["--output", ".", "a"], "is a directory"),
        (["--values", "--no-plot", "a"], "none is drawn"),
        (["--pieces", "--input", __file__], "--pieces is about what is drawn, and nothing is"),
        (["--posterior", "--input", __file__], "--posterior is about attention, and none is shown"),
        (["--rerank-with", "nowhere", "a"], "nowhere does not exist"),
        (["a", "\udcff"], "Sentence 2 of the command line is not valid UTF-8"),
        (["--prefix", "caf\udce9", "a"], "--prefix is not valid UTF-8"),
        (["--posterior", "--no-plot", "a"], "--posterior is about attention, and none is shown"),
    ],
)
def test_what_cannot_work_is_said_before_the_model_is_loaded(translate, arguments, message, monkeypatch):
    monkeypatch.setattr(Translator, "load", lambda *_, **__: pytest.fail("the model was loaded"))
    with pytest.raises(UserError, match=message):
        translate(*arguments)


def test_sentences_are_translated_in_order_and_drawn(translate, expected, tmp_path):
    sentences = [SENTENCES[7], "a child", "¿犬? 😀"]
    out, err = translate(sentences[0], "--plots", tmp_path, *sentences[1:])
    assert out.splitlines() == expected(sentences)
    names = ["0001-two-dogs-look-at.png", "0002-a-child.png", "0003-犬.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in names:
        assert f"{tmp_path / name}\n" in err
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_pictures_go_to_the_run_and_never_replace_older_ones(translate, tiny_run):
    translate("two dogs")
    first = (tiny_run.plots_folder / "0001-two-dogs.png").read_bytes()
    (tiny_run.plots_folder / "0007.svg").write_text("")
    (tiny_run.plots_folder / "learning_curve.png").write_text("")
    translate("two dogs", "--plot-format", "svg", "--pieces", "--values")
    assert (tiny_run.plots_folder / "0001-two-dogs.png").read_bytes() == first
    assert b"<svg" in (tiny_run.plots_folder / "0008-two-dogs.svg").read_bytes()
    before = len(list(tiny_run.plots_folder.iterdir()))
    translate("two dogs", "--no-plot")
    translate(stdin=b"two dogs\n")
    assert len(list(tiny_run.plots_folder.iterdir())) == before


def test_one_picture_goes_where_it_is_told(translate, tmp_path):
    _, err = translate("two dogs", "--plot", tmp_path / "new" / "attention.pdf")
    assert (tmp_path / "new" / "attention.pdf").read_bytes().startswith(b"%PDF")
    assert "attention.pdf" in err


def test_a_run_where_nothing_can_be_written_translates_all_the_same(translate, expected, tmp_path, tiny_run):
    run = make_tiny_run(tmp_path / "run", tokenizers=tiny_run.tokenizers)
    run.plots_folder.write_text("in the way")
    out, err = translate("two dogs", model=run.path)
    assert out.splitlines() == expected(["two dogs"])
    assert "note: no pictures" in err
    with pytest.raises(UserError, match="Cannot make the directory"):
        translate("two dogs", "--plots", run.plots_folder)


def test_lines_of_a_file_keep_their_places(translate, expected, tmp_path):
    lines = [*SENTENCES[:20], "", "   ", *STRANGE_LINES, "犬 😀", "x"]
    source, target, plots = tmp_path / "source", tmp_path / "target", tmp_path / "plots"
    source.write_bytes("\r\n".join(lines).encode())
    out, _ = translate("-i", source, "-o", target, "--batch-size", 3)
    assert out == ""
    written = target.read_bytes().decode().split("\n")
    assert written.pop() == ""
    assert len(written) == len(lines)
    assert written[:20] == expected(SENTENCES[:20])
    assert written[20:22] == ["", ""]
    _, err = translate("-i", source, "-o", target, "--plots", plots, "--plot-format", "svg")
    assert f"attention: 27 pictures in {plots}" in err
    numbers = [int(path.name[:4]) for path in sorted(plots.iterdir())]
    assert numbers == [*range(1, 21), *range(23, 30)]


def test_an_output_file_is_whole_or_untouched(translate, tmp_path, monkeypatch):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("two dogs\na child\n")
    target.write_text("precious")

    def fails(self, texts, *_, **__):
        yield next(real(self, texts, *_, **__))
        raise UserError("the model broke")

    real = Translator.translate_stream
    monkeypatch.setattr(Translator, "translate_stream", fails)
    with pytest.raises(UserError, match="the model broke"):
        translate("-i", source, "-o", target)
    assert target.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]


def test_a_compressed_output_is_read_as_one(translate, expected, tmp_path):
    translated = tmp_path / "out.gz"
    translate("--input", "-", "--output", translated, stdin=b"two dogs\na child\n")
    assert (
        gzip.decompress(translated.read_bytes()).decode()
        == "\n".join(expected(["two dogs", "a child"])) + "\n"
    )
    first = translated.read_bytes()
    translate("--output", translated, stdin=b"two dogs\na child\n")
    assert translated.read_bytes() == first
    translate("--input", translated)


def test_standard_output_by_its_path_is_not_replaced(translate, expected):
    printed, _ = translate("--output", "/dev/stdout", stdin=b"two dogs\n")
    assert printed.splitlines() == expected(["two dogs"])


def test_sentences_behind_a_double_dash_are_no_options(translate, expected):
    for arguments in (["--no-plot", "--", "-hello"], ["--", "-hello"], ["two dogs", "--", "-i", "--"]):
        printed, _ = translate(*arguments)
        sentences = [each for place, each in enumerate(arguments) if place > arguments.index("--")]
        first = [each for each in arguments[: arguments.index("--")] if not each.startswith("-")]
        assert printed.splitlines() == expected([*first, *sentences])


def test_no_picture_of_nothing_is_said(translate, tmp_path):
    printed, said = translate("--plot", tmp_path / "a.png", "  ")
    assert printed == "\n"
    assert "note: no picture: sentence 1 has no text" in said
    assert not (tmp_path / "a.png").exists()


def test_a_stream_has_its_answers_before_it_goes_on(translate, monkeypatch):
    """All lines of a window are answered before the next window is read."""
    flushed = []
    monkeypatch.setattr(sys.stdout, "flush", lambda: flushed.append(True))
    translate("--batch-size", "2", stdin=b"two dogs\na child\n")
    assert len(flushed) >= 2


def test_invalid_utf8_names_the_place(translate, tmp_path):
    source = tmp_path / "latin1.txt"
    source.write_bytes(b"two dogs\ncaf\xe9\n")
    with pytest.raises(UserError, match=r"latin1\.txt, line 2, byte 4"):
        translate("-i", source)
    with pytest.raises(UserError, match="standard input, line 2, byte 4"):
        translate(stdin=b"two dogs\ncaf\xe9\n")


@pytest.mark.parametrize("attention", [[], ["--posterior", "--heat-map"]])
def test_a_bad_line_of_a_stream_loses_nothing_before_it(
    translate, posterior, expected, capsys, monkeypatch, attention
):
    monkeypatch.setattr(PosteriorTranslator, "load", lambda runs, **options: posterior)
    with pytest.raises(UserError, match="standard input, line 3"):
        translate(*attention, stdin=b"two dogs\na child\ncaf\xe9\n")
    assert capsys.readouterr().out.splitlines() == expected(["two dogs", "a child"])
    with pytest.raises(UserError, match=r"standard input, line 2: has 1 column\."):
        translate("--score", *attention, stdin=b"two dogs\ta child\nno tab\n")
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize("most", [1, 2, 5])
def test_max_length_is_the_most_pieces(translate, most):
    for search in (["--beam-size", 2, "--n-best", 2], ["--sample", "--n-best", 4]):
        out, err = translate("--format", "json", "--max-length", most, *search, stdin=b"two dogs run\n")
        line = json.loads(out)
        assert max(len(each["pieces"]) for each in line["hypotheses"]) <= most
        assert (line["note"] is None) == line["hypotheses"][0]["finished"]
        assert ("was cut off" in err) == (not line["hypotheses"][0]["finished"])


def test_errors_leave_the_names_of_files_alone(translate, tmp_path):
    (tmp_path / "seed.tsv").write_text("no tab\n")
    with pytest.raises(UserError, match=r"/seed\.tsv, line 1: has 1 column"):
        translate("--score", "--input", tmp_path / "seed.tsv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--beam-size", 2, "--n-best", 5],
            r"^--n-best .* to --beam-size \(2\).*raise --beam-size to 5",
        ),
        (["--length-penalty", 11], "^--length-penalty must be a finite number from 0 to 10"),
        (["--sample", "--temperature", "1e-38"], "^--temperature must be a finite number from 0.01 to 1000"),
        (["--max-length", 1, "--prefix", "my sister and the old man"], "^--prefix has .* --max-length"),
    ],
)
def test_errors_name_the_options_as_they_were_typed(translate, arguments, message):
    with pytest.raises(UserError, match=message):
        translate("--no-plot", *arguments, "two dogs")


@pytest.mark.parametrize(
    ("redirection", "message"),
    [
        ("<&-", "error: There is nothing to translate: standard input is closed."),
        pytest.param(
            "--format json > /dev/full",
            "error: cannot write standard output: No space left on device",
            marks=pytest.mark.slow,
        ),
        (">&-", "error: cannot write standard output: it is closed"),
        ("> /dev/full", "error: cannot write standard output: No space left on device"),
    ],
)
def test_closed_and_full_streams_are_errors_in_words(tiny_run, redirection, message):
    sentence = "" if redirection == "<&-" else "'two dogs'"
    command = f"'{sys.executable}' translate.py --no-plot --model '{tiny_run.path}' {sentence} {redirection}"
    for unbuffered in ("", "1"):
        result = subprocess.run(
            ["sh", "-c", command],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 2
        assert message in result.stderr
        assert "Traceback" not in result.stderr
        assert "Exception ignored" not in result.stderr


def test_a_line_too_long_is_cut_and_named(translate):
    out, err = translate(stdin=f"two dogs\n\n{' '.join(SENTENCES)}\n".encode())
    assert out.count("\n") == 3
    assert "note: standard input, line 3: the source has" in err
    used = int(re.search(r"only the first (\d+) were used", err)[1])
    assert 2 * MAX_LENGTH - 8 < used <= 2 * MAX_LENGTH
    _, err = translate("--max-source-pieces", 2, "--no-plot", "the old man")
    assert "note: sentence 1: the source has" in err


def test_search_options_arrive(translate, expected):
    sentence = SENTENCES[4]
    out, _ = translate("--no-plot", "--beam-size", 1, "--max-length", 3, sentence)
    assert out.splitlines() == expected([sentence], beam_size=1, max_length=3)
    out, _ = translate("--no-plot", "--min-length", 9, "--length-penalty", 0, sentence)
    assert out.splitlines() == expected([sentence], min_length=9, length_penalty=0.0)
    out, _ = translate("--no-plot", "--prefix", "my sister", sentence, "a child")
    assert [line[:9] for line in out.splitlines()] == ["my sister"] * 2


def test_n_best_lists(translate):
    out, _ = translate("--beam-size", 3, "--n-best", 3, stdin=b"two dogs\n\na child\n")
    fields = [line.split(" ||| ") for line in out.splitlines()]
    assert [field[0] for field in fields] == ["0", "0", "0", "1", "2", "2", "2"]
    scores = [float(field[3]) for field in fields]
    assert scores[:3] == sorted(scores[:3], reverse=True)
    assert all(field[2].startswith("LogProbability= ") for field in fields)


def test_samples_repeat_with_their_seed_only(translate):
    def samples(*more):
        return translate("--sample", "--n-best", 4, "--temperature", 2, *more, stdin=b"two dogs\n")[0]

    assert samples("--seed", 3) == samples("--seed", 3)
    assert samples("--seed", 3) != samples("--seed", 4)
    assert len(set(samples().splitlines())) > 1


def test_json_has_an_object_for_each_line(translate, expected):
    out, _ = translate("--format", "json", "--n-best", 2, stdin="two dogs\n\n犬\u2028\n".encode())
    objects = [json.loads(line) for line in out.splitlines()]
    assert [len(each["hypotheses"]) for each in objects] == [2, 0, 2]
    assert objects[0]["source"]["words"] == ["two", "dogs"]
    assert objects[0]["hypotheses"][0]["text"] == expected(["two dogs"])[0]
    first = objects[0]["hypotheses"][0]
    assert len(first["attention_weights"]) == len(first["pieces"]) + first["finished"]
    assert len(first["attention_weights"][0]) == len(objects[0]["source"]["pieces"]) + 1


def test_scores_of_given_targets(translate, tiny_run, load_once, tmp_path):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("two dogs\ta child\n\nmy sister\tthe snow.\n")
    out, _ = translate("--score", "-i", pairs)
    expected = load_once([tiny_run]).score(["two dogs", "my sister"], ["a child", "the snow."])
    blank, _ = translate("--score", stdin=pairs.read_bytes().replace(b"\n\n", b"\n  \n"))
    assert blank == out
    first, empty, last = out.split("\n")[:3]
    assert empty == ""
    for line, translation in zip((first, last), expected, strict=True):
        numbers = [float(field) for field in line.split("\t")]
        assert numbers == pytest.approx([translation.best.log_probability, translation.best.score], abs=1e-3)
    links, _ = translate("--score", "-i", pairs, "--format", "pharaoh", "--alignment", "threshold:0")
    assert links.split("\n")[1] == ""
    assert {link.split("-")[1] for link in links.split("\n")[0].split()} == {"0", "1"}
    with pytest.raises(UserError, match=r"standard input, line 2: has 1 column\..*source TAB target"):
        translate("--score", stdin=b"a\tb\nno tab\n")
    with pytest.raises(UserError, match="line 1: has 3 columns"):
        translate("--score", stdin=b"a\tb\tc\n")


def test_a_file_of_pairs_is_read_to_its_end_before_the_model(translate, tmp_path, monkeypatch):
    def loaded(*_, **__):
        raise AssertionError("the model was loaded")

    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("a\tb\n\nno tab\n")
    monkeypatch.setattr(Translator, "load", loaded)
    with pytest.raises(UserError, match=r"pairs.tsv, line 3: has 1 column\."):
        translate("--score", "-i", pairs)


def test_a_picture_that_nobody_asked_for_costs_no_translation(translate, tmp_path, monkeypatch):
    def full(*_):
        raise UserError("the disk is full")

    monkeypatch.setattr(NumberedPictures, "save", full)
    out, err = translate("two dogs", "my sister")
    assert len(out.splitlines()) == 2
    assert err.count("note: no picture: the disk is full") == 2
    with pytest.raises(UserError, match="the disk is full"):
        translate("--plots", tmp_path, "two dogs", "my sister")


def test_words_are_told_apart_as_wished(translate):
    links, _ = translate("--format", "pharaoh", "--alignment", "soft", stdin=b"two dogs, a child.\n")
    sources = {link.split("-")[0] for link in links.split()}
    assert sources <= set("012345")
    links, _ = translate(
        "--format", "pharaoh", "--alignment", "soft", "--words", "whitespace", stdin=b"two dogs, a child.\n"
    )
    assert {link.split("-")[0] for link in links.split()} <= set("0123")
    assert sources & {"4", "5"}


def test_posterior_attention_takes_the_place_of_attention(translate, posterior, monkeypatch):
    plain, _ = translate("--format", "json", "--no-plot", "two dogs")
    monkeypatch.setattr(PosteriorTranslator, "load", lambda runs, **options: posterior)
    shown, _ = translate("--format", "json", "--no-plot", "--posterior", "two dogs")
    before, after = (json.loads(each)["hypotheses"][0] for each in (plain, shown))
    (expected,) = posterior.translate(["two dogs"], posterior.default_options())
    np.testing.assert_allclose(after["attention_weights"], expected.best.attention, atol=1e-4)
    assert after["text"] == before["text"]
    assert after["attention_weights"] != before["attention_weights"]


@pytest.mark.parametrize(
    ("arguments", "said"), [([], "attention weight"), (["--posterior"], "posterior attention")]
)
def test_a_picture_says_what_its_colours_mean(translate, posterior, tmp_path, monkeypatch, arguments, said):
    drawn = []
    monkeypatch.setattr(plotting, "save_figure", lambda figure, path: drawn.append(figure))
    monkeypatch.setattr(PosteriorTranslator, "load", lambda runs, **options: posterior)
    translate("two dogs", "--plot", tmp_path / "picture.png", *arguments)
    assert said in {axes.get_ylabel() for axes in drawn[0].axes}


def test_the_heat_map_goes_beside_the_data(translate, expected):
    out, err = translate("two dogs", "--heat-map", "--no-plot")
    assert out.splitlines() == expected(["two dogs"])
    assert "</s>" in err
    assert "dogs" in err
    assert "</s>" not in translate("two dogs", "--no-plot")[1]


def test_another_model_chooses_among_what_the_beam_found(translate, load_once, tiny_run, tmp_path):
    back = make_tiny_run(tmp_path / "back", seed=2)
    back.write_facts(source_language="xx", target_language="en")
    file = tmp_path / "lines.txt"
    file.write_text("".join(f"{sentence}\n" for sentence in SENTENCES[:3]), encoding="utf-8")
    options = ["--beam-size", "4", "--n-best", "2", "--rerank-with", back.path, "--rerank-weight", "3"]
    output, _ = translate(*options, "--input", file)
    candidates = load_once([tiny_run]).translate(SENTENCES[:3], SearchOptions(beam_size=4, n_best=4))
    # However much the first model has written: the second one reads all of it.
    expected = Reranker(load_once([back], max_source_pieces=1 << 30), 3.0)(candidates, 2)
    texts = [line.split(" ||| ")[1] for line in output.splitlines()]
    assert texts == [one_line(each.text) for one in expected for each in one.hypotheses]
    assert texts[::2] != [one_line(each.text) for each in candidates]


def test_several_models_are_loaded_as_an_ensemble(translate, tiny_run, tmp_path, monkeypatch):
    class LoadedError(Exception):
        pass

    def load(runs, **_):
        raise LoadedError([run.path for run in runs])

    monkeypatch.setattr(Translator, "load", load)
    other = make_tiny_run(tmp_path / "other", seed=2, tokenizers=tiny_run.tokenizers)
    with pytest.raises(LoadedError) as loaded:
        translate("--model", other.path, "two dogs")
    assert loaded.value.args[0] == [tiny_run.path, other.path]
    stranger = make_tiny_run(tmp_path / "stranger", tokenizers=tiny_tokenizers(330))
    with pytest.raises(UserError, match="must share their tokenizer"):
        translate("--model", stranger.path, "two dogs")


@pytest.mark.parametrize("arguments", [["--score"], ["--format", "json"], ["--output", "x"]])
def test_the_prompt_refuses_what_it_cannot_do(tiny_run, monkeypatch, arguments):
    class Keyboard(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Keyboard())
    with pytest.raises(UserError, match="is not for the prompt"):
        main(["--model", str(tiny_run.path), *arguments])


def test_a_pipe_gets_data_and_nothing_else(tiny_run, expected):
    lines = [*SENTENCES[5:8], "", *STRANGE_LINES]
    result = subprocess.run(
        [sys.executable, "translate.py", "--model", str(tiny_run.path), "--batch-size", "4"],
        cwd=ROOT,
        input="\n".join(lines).encode(),
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr.decode()
    written = result.stdout.decode().split("\n")
    assert written.pop() == ""
    assert len(written) == len(lines)
    assert written[:4] == [*expected(SENTENCES[5:8]), ""]
    # What takes over two seconds, as this may on a busy machine, says how far it is.
    wanted = ("Loading ", "Translating: ", "note: ")
    noise = [line for line in result.stderr.decode().splitlines() if not line.startswith(wanted)]
    assert noise == []


def test_options_reach_the_search_as_they_are_named(tiny_run):
    from seq2seq.search_options import run_search_options

    options = run_search_options(tiny_run.config, n_best=None, coverage_penalty=0.3)
    assert options == SearchOptions(beam_size=2, coverage_penalty=0.3)
