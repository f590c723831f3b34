from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.errors import UserError
from seq2seq import evaluate_command, shipped_models
from seq2seq.evaluate_options import build_parser
from seq2seq.evaluation_files import check_file_names, file_stem, read_reports
from seq2seq.output_formats import one_line
from seq2seq.results_tables import departures
from seq2seq.run_directory import RunDirectory
from tests.seq2seq.evaluation_examples import DictionaryTranslator, make_run

PROJECT = Path(__file__).parents[2]
ANSWERS = {"a dog": "un chien", "a cat": "un chat noir"}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Two sentences, two references and their alignment."""
    content = {
        "source": "a dog\na cat\n",
        "reference": "un chien\nun chat\n",
        "second": "le chien\nle chat noir\n",
        "gold": "1-1 2-2\n1-1 2p2\n",
    }
    for name, text in content.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return {name: tmp_path / name for name in content}


@pytest.fixture
def translator(monkeypatch: pytest.MonkeyPatch) -> DictionaryTranslator:
    """Stands in for the model, and for nothing else."""
    from seq2seq.translator import Translator

    stand_in = DictionaryTranslator(ANSWERS)
    monkeypatch.setattr(Translator, "load", lambda runs, **_: stand_in)
    return stand_in


def run_main(run: Path, files: dict[str, Path], *options: str) -> int:
    texts = ["--source", str(files["source"]), "--reference", str(files["reference"]), "--name", "animals"]
    return evaluate_command.main(["--model", str(run), *texts, *options])


def test_what_is_translated_outlives_an_error_behind_it(tmp_path, files, translator, monkeypatch) -> None:
    run = make_run(tmp_path / "run")
    monkeypatch.setattr(evaluate_command, "_readings", lambda *_: pytest.fail("of the readings"))
    with pytest.raises(pytest.fail.Exception, match="of the readings"):
        run_main(run.path, files)
    assert read_reports(run.path)[0]["counts"]["sentences"] == 2


def test_names_and_sentences_are_no_markup(tmp_path, files, translator, capsys) -> None:
    files["source"].write_text("a dog :100: [/b]\na cat\n", encoding="utf-8")
    translator.answers["a dog :100: [/b]"] = "un chien"
    run = make_run(tmp_path / "run")
    texts = ["--source", str(files["source"]), "--reference", str(files["reference"])]
    assert evaluate_command.main(["--model", str(run.path), *texts, "--name", "a[old][/b]"]) == 0
    printed = capsys.readouterr()
    assert "translating a[old][/b]" in printed.err
    assert "a dog :100: [/b]" in printed.out
    assert "a[old][/b] by source length" in printed.out


def test_batches_share_the_cores(tmp_path, files, translator, monkeypatch) -> None:
    jobs: list[int] = []
    monkeypatch.setattr(evaluate_command, "share_cores", jobs.append)
    assert run_main(make_run(tmp_path / "run").path, files) == 0
    assert jobs == [2]


def test_files_tables_and_notes(tmp_path, files, translator, capsys) -> None:
    run = make_run(tmp_path / "run")
    gold = ["--alignments", str(files["gold"]), "--alignments-from-one"]
    assert run_main(run.path, files, "--reference", str(files["second"]), *gold) == 0
    report = json.loads((run.path / "evaluation" / "animals.json").read_text(encoding="utf-8"))
    hypotheses = (run.path / "evaluation" / "animals.hypotheses.txt").read_text(encoding="utf-8")
    assert hypotheses == "un chien\nun chat noir\n"
    assert report["counts"]["references_each"] == 2
    assert report["scores"]["alignment"]["aer"] == 0
    assert report["options"]["beam_size"] == 3  # of the run's configuration
    assert report["options"]["bleu_tokenizer"] == "13a"
    assert report["system"]["target_language"] == "fr"
    assert len(report["system"]["runs"][0]["fingerprint"]) == 64
    assert {"sacrebleu", "python", "rouge-score"} <= set(report["versions"])
    assert report["speed"]["sentences_per_second"] > 0
    printed = capsys.readouterr()
    assert "BLEU" in printed.out
    assert report["scores"]["bleu"]["signature"] in printed.out
    assert "animals by source length" in printed.out
    assert f"{report['scores']['chrf']['score']:.2f}" in printed.out
    assert "translating animals" in printed.err
    assert str(run.path / "evaluation" / "animals.json") in printed.err
    assert "Next:" in printed.err


def test_readings_of_the_alignment(tmp_path, files, translator, capsys) -> None:
    run, back = make_run(tmp_path / "run"), make_run(tmp_path / "back")
    back.write_facts(source_language="fr", target_language="en")
    gold = ["--alignment-gold", str(files["gold"]), "--alignments-from-one"]
    assert run_main(run.path, files, *gold, "--reverse-model", str(back.path)) == 0
    (report,) = read_reports(run.path)
    by_name = {row["reading"]: row for row in report["alignment_readings"]}
    assert by_name["argmax"]["aer"] == report["scores"]["alignment"]["aer"] == 0
    assert by_name["both models, grow-diag-final-and"]["aer"] == 0
    assert by_name["argmax, one step later"]["aer"] > 0.5
    printed = capsys.readouterr().out
    assert "Readings of the alignment of animals" in printed
    assert "argmax, one step earlier" in printed
    run_main(run.path, files)
    assert "alignment_readings" not in read_reports(run.path)[0]


def test_a_reverse_model_reads_what_the_model_writes(tmp_path, files, monkeypatch) -> None:
    from seq2seq.translator import Translator

    monkeypatch.setattr(Translator, "load", lambda *_, **__: pytest.fail("loaded before it was looked at"))
    run, other = make_run(tmp_path / "run"), make_run(tmp_path / "other")
    gold = ["--alignment-gold", str(files["gold"]), "--alignments-from-one"]
    for source, target in (("en", "fr"), ("fr", "de"), ("es", "en")):
        other.write_facts(source_language=source, target_language=target)
        with pytest.raises(UserError, match=f"translates from {source} to {target}; the other direction"):
            run_main(run.path, files, *gold, "--reverse-model", str(other.path))
    with pytest.raises(UserError, match="nowhere does not exist"):
        run_main(run.path, files, *gold, "--reverse-model", str(tmp_path / "nowhere"))


def test_readings_need_gold_alignment(tmp_path, files, capsys) -> None:
    for option in (["--reverse-model", "x"], ["--alignment-baseline"]):
        with pytest.raises(SystemExit):
            run_main(tmp_path / "run", files, *option)
        assert "--alignment-gold" in capsys.readouterr().err


def test_replaced_attention_is_kept_apart(tmp_path, files, translator, monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(
        evaluate_command, "with_replaced_attention", lambda each, how: seen.append(how) or each
    )
    run = make_run(tmp_path / "run")
    run_main(run.path, files, "--attention", "uniform")
    assert seen == ["uniform"]
    assert not (run.path / "evaluation" / "animals.json").exists()
    (report,) = read_reports(run.path / "evaluation" / "attention-uniform")
    assert report["options"]["attention"] == "uniform"
    run_main(run.path, files)
    assert read_reports(run.path)[0]["options"]["attention"] == "learned"


def test_a_shortlist_is_kept_apart_and_precision_is_noted(tmp_path, files, translator) -> None:
    run = make_run(tmp_path / "run")
    run_main(run.path, files, "--shortlist", "--precision", "bfloat16")
    assert not (run.path / "evaluation" / "animals.json").exists()
    (report,) = read_reports(run.path / "evaluation" / "shortlist")
    assert (report["options"]["shortlist"], report["options"]["precision"]) == (True, "bfloat16")
    run_main(run.path, files)
    (report,) = read_reports(run.path)
    assert (report["options"]["shortlist"], report["options"]["precision"]) == (False, "float32")


def test_reranked_translations_are_kept_apart(tmp_path, files, translator, monkeypatch) -> None:
    from seq2seq.translator import Translator

    run, back = make_run(tmp_path / "run"), make_run(tmp_path / "back")
    back.write_facts(source_language="fr", target_language="en")
    loaded = []
    monkeypatch.setattr(
        Translator, "load", lambda runs, **options: loaded.append((runs, options)) or translator
    )
    run_main(run.path, files, "--rerank-with", str(back.path), "--rerank-weight", "0.5")
    (_, of_reranker), (_, of_model) = loaded
    assert "reranker" not in of_reranker
    assert of_model["reranker"].weight == 0.5
    assert not (run.path / "evaluation" / "animals.json").exists()
    (report,) = read_reports(run.path / "evaluation" / "reranked")
    assert report["options"]["rerank_weight"] == 0.5
    assert report["options"]["rerank_with"] == "back"
    assert len(report["options"]["rerank_fingerprint"]) == 64
    assert departures(report) == ["reranked by back"]
    run_main(run.path, files)
    (report,) = read_reports(run.path)
    assert "rerank_with" not in report["options"]
    assert departures(report) == []


def test_in_a_folder_of_ones_own_parts_are_kept_apart_too(tmp_path, files, translator, monkeypatch) -> None:
    run, folder = make_run(tmp_path / "run"), tmp_path / "mine"
    run_main(run.path, files, "--folder", str(folder))
    monkeypatch.setattr(evaluate_command, "with_replaced_attention", lambda each, _: each)
    run_main(run.path, files, "--folder", str(folder), "--limit", "1", "--attention", "diagonal")
    assert read_reports(folder)[0]["counts"]["sentences"] == 2
    assert read_reports(folder / "attention-diagonal" / "first-1")[0]["counts"]["sentences"] == 1


def test_a_shipped_model_leaves_a_run_of_its_name_alone(tmp_path, files, translator, monkeypatch) -> None:
    shipped = make_run(tmp_path / "models" / "en-fr")
    (shipped.path / "SHA256SUMS").write_text("")
    monkeypatch.setattr(RunDirectory, "check_is_trained", lambda run: None)
    monkeypatch.setattr(RunDirectory, "config", make_run(tmp_path / "other").config)
    monkeypatch.chdir(tmp_path)
    (shipped.path / "weights.zip").write_bytes(b"weights")
    run_main(shipped.path, files)
    assert (tmp_path / "runs" / "en-fr" / "evaluation" / "animals.json").is_file()
    (tmp_path / "runs" / "en-fr" / "config.yaml").write_text("name: mine\n")
    with pytest.raises(UserError, match=r"runs/en-fr holds a run of its own.*--folder"):
        run_main(shipped.path, files)
    run_main(shipped.path, files, "--folder", "elsewhere")
    assert (tmp_path / "elsewhere" / "animals.json").is_file()


def test_a_report_for_the_browser(tmp_path, files, translator, capsys) -> None:
    import re

    path = tmp_path / "pages" / "report.html"
    run = make_run(tmp_path / "run")
    assert run_main(run.path, files, "--report", str(path)) == 0
    html = path.read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="report-data">(.*?)</script>', html)[1])
    (animals,) = data["sets"]
    assert animals["name"] == "animals"
    assert [each["target"]["text"] for each in animals["sentences"]] == ["un chien", "un chat noir"]
    assert {entry["word"] for entry in animals["lexicon"]} == {"a", "dog", "cat"}
    (report,) = read_reports(run.path)
    assert [each["chrf"] for each in animals["sentences"]] == [
        round(row["chrf"], 2) for row in report["sentences"]
    ]
    assert str(path) in capsys.readouterr().err


def test_search_options_of_the_command_line_win(tmp_path, files, translator) -> None:
    run = make_run(tmp_path / "run")
    run_main(
        run.path, files, "--beam-size", "7", "--length-penalty", "0.5", "--batch-size", "9", "--limit", "1"
    )
    search, word_mode, batch_size = translator.asked[0]
    assert (search.beam_size, search.length_penalty, batch_size, word_mode) == (7, 0.5, 9, "unicode")
    (report,) = read_reports(run.path / "evaluation" / "beam_size-7_length_penalty-0.5" / "first-1")
    assert report["options"]["beam_size"] == 7
    assert report["options"]["limit"] == 1
    assert report["counts"]["sentences"] == 1


def test_another_search_does_not_replace_the_scores_of_the_model_as_it_is(
    tmp_path, files, translator
) -> None:
    run = make_run(tmp_path / "run")
    own = run.config.search.beam_size
    run_main(run.path, files, "--beam-size", str(own))  # what the run has, said aloud
    run_main(run.path, files, "--beam-size", "1", "--max-length", "3")
    run_main(run.path, files, "--beam-size", "2", "--folder", str(tmp_path / "two"))
    beams = [
        read_reports(folder)[0]["options"]["beam_size"]
        for folder in (
            run.path,
            run.path / "evaluation" / "beam_size-1_max_length-3",
            tmp_path / "two",  # whoever names a folder knows what is in it
        )
    ]
    assert beams == [own, 1, 2]


def test_convention_of_the_run_and_of_the_command_line(tmp_path, files, translator) -> None:
    run = make_run(tmp_path / "run", evaluation={"paper_convention": True})
    run_main(run.path, files)
    (report,) = read_reports(run.path)
    assert report["options"]["convention"] == "moses-lower"
    assert "tok:none" in report["scores"]["paper_bleu"]["signature"]
    assert "tok:13a" in report["scores"]["bleu"]["signature"]
    run_main(run.path, files, "--convention", "plain")
    assert read_reports(run.path)[0]["scores"]["paper_bleu"] is None
    run_main(run.path, files, "--convention", "tokenized")
    assert "tok:none" in read_reports(run.path)[0]["scores"]["bleu"]["signature"]


def test_json_on_stdout_has_nothing_else_beside_it(tmp_path, files, translator, capsys) -> None:
    run = make_run(tmp_path / "run")
    run_main(run.path, files, "--output", "-")
    (report,) = json.loads(capsys.readouterr().out)["evaluations"]
    assert report["set"] == "animals"


def test_output_file_holds_all_sets_and_is_not_read_twice(tmp_path, files, translator) -> None:
    run = make_run(tmp_path / "run")
    everything = run.path / "evaluation" / "all.json"
    run_main(run.path, files, "--output", str(everything))
    assert read_reports(everything) == read_reports(run.path)
    assert len(read_reports(run.path)) == 1


def test_splits_of_the_corpus(tmp_path, monkeypatch, translator) -> None:
    from data.corpora import Corpus, Split

    def split(name: str, *pairs: tuple[str, str]) -> Split:
        return Split(
            name, lambda: iter(pairs), len(pairs), lambda: iter([frozenset({(0, 0), (1, 1)})] * len(pairs))
        )

    corpus = Corpus(
        "animals",
        "en",
        "fr",
        train=split("train", ("x", "y")),
        validation=split("validation", ("a cat", "un chat")),
        test={"one": split("one", ("a dog", "un chien")), "two": split("two", ("a cat", "un chat"))},
    )
    asked = []
    monkeypatch.setattr(
        "seq2seq.corpus_loading.load_corpus", lambda config, mirror: asked.append(mirror) or corpus
    )
    run = make_run(tmp_path / "run")
    evaluate_command.main(["--model", str(run.path), "--mirror", "elsewhere"])
    assert asked == ["elsewhere"]
    reports = read_reports(run.path)
    assert [(report["set"], report["corpus"]) for report in reports] == [
        ("one", "animals"),
        ("two", "animals"),
    ]
    assert [report["scores"]["alignment"]["aer"] for report in reports] == [0, 0]
    evaluate_command.main(
        ["--model", str(run.path), "--split", "validation", "--folder", str(tmp_path / "other")]
    )
    assert [report["set"] for report in read_reports(tmp_path / "other")] == ["validation"]
    with pytest.raises(UserError, match=r"called three\. It has: one, two, validation"):
        evaluate_command.main(["--model", str(run.path), "--split", "three"])


def test_comparison_with_another_run(tmp_path, files, translator, capsys) -> None:
    old, new = make_run(tmp_path / "old"), make_run(tmp_path / "new")
    run_main(old.path, files)
    translator.answers = {"a dog": "un chien", "a cat": "un chat"}
    run_main(new.path, files, "--compare", str(old.path))
    (report,) = read_reports(new.path)
    chrf = report["comparison"]["metrics"]["chrf"]
    assert chrf["system"] == pytest.approx(report["scores"]["chrf"]["score"])
    assert chrf["baseline"] == pytest.approx(read_reports(old.path)[0]["scores"]["chrf"]["score"])
    assert chrf["baseline"] < chrf["system"] == pytest.approx(100)
    assert 0 < chrf["p_value"] <= 1
    assert "ar:2000" in chrf["signature"]
    assert "Against old" in capsys.readouterr().out
    with pytest.raises(UserError, match="other sentences or references"):
        run_main(new.path, files, "--limit", "1", "--compare", str(old.path))
    run_main(old.path, files, "--limit", "1")
    run_main(new.path, files, "--limit", "1", "--compare", str(old.path))
    (limited,) = read_reports(new.path / "evaluation" / "first-1")
    assert limited["comparison"]["metrics"]["chrf"]["p_value"] == 1  # they are equal there
    assert read_reports(new.path)[0]["counts"]["sentences"] == 2  # a quick look replaces nothing
    with pytest.raises(UserError, match="does not exist"):
        run_main(new.path, files, "--compare", str(tmp_path / "nowhere"))
    file = old.path / "evaluation" / "animals.json"
    with pytest.raises(UserError, match=r"animals\.json is a file: give the run that was evaluated"):
        run_main(new.path, files, "--compare", str(file))


def test_comparison_with_a_shipped_model(tmp_path, files, translator, monkeypatch) -> None:
    """By name or by directory: its scores are where `--model NAME` has put them, not in what ships."""
    shipped = tmp_path / "models" / "tiny-en-fr"
    shipped.mkdir(parents=True)
    for name in ("SHA256SUMS", "config.yaml", "run.json", "scores.json"):
        (shipped / name).write_text("{}")
    monkeypatch.setattr(shipped_models, "MODELS_FOLDER", shipped.parent)
    monkeypatch.chdir(tmp_path)
    run = make_run(tmp_path / "run")
    for place in ("tiny-en-fr", str(shipped)):
        with pytest.raises(UserError, match=r"tiny-en-fr was not evaluated here: .*runs/tiny-en-fr/evaluat"):
            run_main(run.path, files, "--compare", place)
    run_main(run.path, files, "--folder", "runs/tiny-en-fr/evaluation")
    for place in ("tiny-en-fr", str(shipped)):
        run_main(run.path, files, "--compare", place)
        (report,) = read_reports(run.path)
        chrf = report["comparison"]["metrics"]["chrf"]
        assert chrf["system"] == chrf["baseline"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--model MODEL is required"),
        (["--model", "a", "--model", "b"], "--folder DIR"),
        (["--model", "a", "--source", "s"], "--reference FILE"),
        (["--model", "a", "--reference", "s"], "--source FILE"),
        (["--model", "a", "--source", "s", "--reference", "r", "--split", "test"], "not both"),
        (["--model", "a", "--alignments", "g"], "exactly one --split"),
        (["--model", "a", "--beam-size", "0"], "argument --beam-size: expected a whole number of at least 1"),
        (
            ["--model", "a", "--limit", "0"],
            "--limit: expected a whole number of at least 1, got '0'",
        ),
        (["--model", "a", "--name", "n"], "--name is the name of --source"),
    ],
)
def test_options_that_contradict_each_other(arguments, message, capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        evaluate_command.main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_readings_that_cannot_be_made_are_refused_before_the_model_is_loaded(
    tmp_path, files, monkeypatch
) -> None:
    from data.corpora import Corpus, Split
    from seq2seq.translator import Translator

    monkeypatch.setattr(Translator, "load", lambda runs, **_: pytest.fail("the model was loaded"))
    run = make_run(tmp_path / "run")
    with pytest.raises(UserError, match=r"pairs that the run was trained on, and they are not there \("):
        run_main(run.path, files, "--alignment-gold", str(files["gold"]), "--alignment-baseline")
    two = Split("validation", lambda: iter([("a dog", "un chien")]), 1)
    corpus = Corpus("two", "en", "fr", train=two, validation=two, test={})
    monkeypatch.setattr("seq2seq.corpus_loading.load_corpus", lambda *_: corpus)
    with pytest.raises(UserError, match="--reverse-model is about gold alignment, and validation has none"):
        evaluate_command.main(
            ["--model", str(run.path), "--split", "validation", "--reverse-model", str(run.path)]
        )


def test_mistakes_that_are_seen_before_the_model_is_loaded(tmp_path, files, monkeypatch) -> None:
    from seq2seq.translator import Translator

    monkeypatch.setattr(Translator, "load", lambda runs, **_: pytest.fail("the model was loaded"))
    with pytest.raises(UserError, match="does not exist"):
        run_main(tmp_path / "nowhere", files)
    run = make_run(tmp_path / "run")
    with pytest.raises(UserError, match="is a directory"):
        run_main(run.path, files, "--report", str(tmp_path))
    with pytest.raises(UserError, match=r"'caf\\udce9' is not UTF-8"):
        run_main(run.path, files, "--name", "caf\udce9")
    (tmp_path / "file").write_text("", encoding="utf-8")
    for option, place in (("--folder", "file"), ("--output", "file/scores.json")):
        with pytest.raises(UserError, match="Cannot write"):
            run_main(run.path, files, option, str(tmp_path / place))
    files["reference"].write_text("un chien\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"source has 2 lines but .*reference has 1"):
        run_main(run.path, files)
    run.model_file.unlink()
    with pytest.raises(UserError, match="holds no model yet"):
        run_main(run.path, files)


def test_a_bad_beam_is_an_error_of_the_user(tmp_path, files, translator) -> None:
    with pytest.raises(UserError, match=r"^--length-penalty must be a finite number from 0 to 10; got 11"):
        run_main(make_run(tmp_path / "run").path, files, "--length-penalty", "11")


def test_file_names() -> None:
    assert file_stem("test_2016_flickr") == "test_2016_flickr"
    assert file_stem("test[:10%]") == "test_10"
    assert file_stem("../news.de") == "news.de"
    with pytest.raises(UserError, match="same files"):
        check_file_names(["test[:10%]", "test[10%]"])


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    heavy = "tensorflow keras numpy sacrebleu sacremoses rouge_score rich pydantic matplotlib"
    code = (
        "import sys, seq2seq.evaluate_command as command\n"
        "try:\n command.main(['--help'])\nexcept SystemExit:\n pass\n"
        f"print(sorted(set('{heavy}'.split()) & set(sys.modules)), file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stderr.strip() == "[]"
    assert "usage: evaluate.py --model MODEL [options]" in done.stdout


def test_every_option_is_explained() -> None:
    assert [action.dest for action in build_parser()._actions if not action.help] == []


def test_a_real_model_from_end_to_end(tmp_path, tiny_run, capsys) -> None:
    """Untrained, so it is wrong; but what is reported is what the model says when it is asked directly."""
    import numpy as np

    from seq2seq.translator import Translator

    sources = ["two dogs run through the snow.", "", "a child paint an empty street!"]
    targets = ["the old man sleep in the garden.", "my sister", "three women look at a red house."]
    for name, lines in (("source", sources), ("target", targets)):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    texts = ["--source", str(tmp_path / "source"), "--reference", str(tmp_path / "target")]
    folder = tmp_path / "evaluation"
    code = evaluate_command.main(
        ["--model", str(tiny_run.path), *texts, "--folder", str(folder), "--max-length", "9"]
    )
    assert code == 0
    (report,) = read_reports(folder)
    translator = Translator.load(tiny_run.path)
    direct = translator.translate(sources, translator.default_options(max_length=9))
    forced = translator.score(sources, targets)
    assert [row["hypothesis"] for row in report["sentences"]] == [one_line(each.text) for each in direct]
    total = sum(each.best.log_probability for each in forced)
    tokens = sum(len(each.best.token_log_probabilities) for each in forced)
    assert report["scores"]["perplexity"]["tokens"] == tokens
    assert report["scores"]["perplexity"]["per_token"] == pytest.approx(np.exp(-total / tokens), rel=1e-5)
    assert report["counts"]["empty_hypotheses"] >= 1


def test_a_model_that_is_replaced_while_it_is_loaded_is_not_scored(
    tmp_path, files, translator, monkeypatch
) -> None:
    from seq2seq.translator import Translator

    run = make_run(tmp_path / "run")
    monkeypatch.setattr(Translator, "load", lambda runs, **_: run.model_file.write_bytes(b"better"))
    with pytest.raises(UserError, match=f"{run.path} got a better model while it was loaded"):
        run_main(run.path, files)
    assert not run.evaluation_folder.exists()
