from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.errors import UserError
from seq2seq.text_metrics import TextScorer, bleu_tokenizer_for

HYPOTHESES = [
    "Der Hund läuft schnell durch den tiefen Schnee .",
    "Eine Frau sitzt auf einer Bank und liest.",
    "Zwei Kinder spielen",
    "Ein Mann fährt mit dem Fahrrad die Straße entlang.",
]
REFERENCES = [
    ("Der Hund rennt schnell durch den tiefen Schnee.", "Ein Hund läuft durch tiefen Schnee."),
    ("Eine Frau sitzt auf einer Bank und liest.", "Eine Frau liest auf einer Bank."),
    ("Zwei Kinder spielen im Park Ball.", "Kinder spielen Ball im Park."),
    ("Ein Mann fährt auf einem Fahrrad eine Straße entlang.", "Ein Mann radelt die Straße entlang."),
]


def corpus_scores(scorer: TextScorer, hypotheses=HYPOTHESES, references=REFERENCES) -> dict:
    sentences = [scorer.sentence(*pair) for pair in zip(hypotheses, references, strict=True)]
    return scorer.corpus(hypotheses, references, sentences)


def sacrebleu_command(folder: Path, *options: str, count: int = 2) -> list[dict]:
    """What the program of sacrebleu says about the same texts."""
    (folder / "hypotheses").write_text("".join(f"{line}\n" for line in HYPOTHESES), encoding="utf-8")
    files = []
    for place in range(count):
        files.append(folder / f"reference{place}")
        files[-1].write_text("".join(f"{each[place]}\n" for each in REFERENCES), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "sacrebleu",
        *map(str, files),
        "-i",
        str(folder / "hypotheses"),
        "-w",
        "8",
    ]
    done = subprocess.run(
        [*command, *options],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    found = json.loads(done.stdout)
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("count", [1, 2])
def test_scores_and_signatures_are_those_of_the_sacrebleu_program(tmp_path: Path, count: int) -> None:
    expected = sacrebleu_command(tmp_path, "-m", "bleu", "chrf", "ter", count=count)
    scores = corpus_scores(TextScorer(), references=[each[:count] for each in REFERENCES])
    for name, theirs in zip(("bleu", "chrf", "ter"), expected, strict=True):
        assert scores[name]["score"] == pytest.approx(theirs["score"], abs=1e-6), name
        assert scores[name]["signature"] == theirs["signature"]


def test_other_tokenizers_and_the_paper_form_are_those_of_the_program(tmp_path: Path) -> None:
    (none,) = sacrebleu_command(tmp_path, "-m", "bleu", "--tokenize", "none", "--force")
    (intl,) = sacrebleu_command(tmp_path, "-m", "bleu", "--tokenize", "intl")
    assert corpus_scores(TextScorer("intl"))["bleu"]["score"] == pytest.approx(intl["score"], abs=1e-6)
    scorer = TextScorer(paper_form=str)
    paper = scorer.paper_corpus(HYPOTHESES, REFERENCES)
    assert paper["score"] == pytest.approx(none["score"], abs=1e-6)
    assert paper["signature"] == none["signature"]
    assert "tok:none" in paper["signature"]
    assert corpus_scores(scorer)["bleu"]["score"] != pytest.approx(paper["score"], abs=0.1)


def test_bleu_of_a_sentence_counts_only_the_orders_that_it_has() -> None:
    """Three words, two of them right and beside each other: 2/3 of the words, 1/2 of the pairs.

    The only triple is wrong; exponential smoothing counts it as half of one. There are no runs of four.
    """
    scorer = TextScorer("none")
    expected = 100 * (2 / 3 * 1 / 2 * 1 / 2) ** (1 / 3)
    assert scorer.sentence("a b x", ["a b c"]).bleu == pytest.approx(expected)
    assert scorer.sentence("a b", ["a b"]).bleu == pytest.approx(100)
    # Half as long as it should be: exp(1 - 4 / 2) of the precisions, which are all 1.
    assert scorer.sentence("a b", ["a b c d"]).bleu == pytest.approx(100 * math.exp(-1))


def test_bleu_of_a_sentence_takes_the_tokenizer_of_the_set() -> None:
    assert TextScorer("char").sentence("我喜欢狗", ["我喜欢猫"]).bleu > 40
    assert TextScorer("13a").sentence("我喜欢狗", ["我喜欢猫"]).bleu == 0


def test_ter_from_sentences_is_corpus_ter_and_no_mean() -> None:
    from sacrebleu.metrics import TER

    streams = [list(stream) for stream in zip(*REFERENCES, strict=True)]
    whole = TER().corpus_score(HYPOTHESES, streams).score
    mean = sum(TER().sentence_score(*pair).score for pair in zip(HYPOTHESES, REFERENCES, strict=True)) / len(
        HYPOTHESES
    )
    assert corpus_scores(TextScorer())["ter"]["score"] == pytest.approx(whole, abs=1e-9)
    assert whole != pytest.approx(mean, abs=0.1)


@pytest.mark.parametrize(("tokenizer", "text"), [("zh", "他今天去了学校。"), ("char", "犬が走る。")])
def test_ter_counts_the_words_of_bleu_where_there_are_no_spaces(tokenizer: str, text: str) -> None:
    """Otherwise a sentence is one word, and one wrong letter makes all of it wrong."""
    scorer = TextScorer(tokenizer)
    changed = text[:1] + "猫" + text[2:]
    scores = scorer.corpus([changed], [[text]], [scorer.sentence(changed, [text])])
    assert scores["ter"]["score"] == pytest.approx(100 / len(text))
    assert scores["ter"]["signature"].endswith(f"|split:{tokenizer}")
    assert "split" not in corpus_scores(TextScorer())["ter"]["signature"]


def test_rouge_by_hand() -> None:
    """Reference a b c d, hypothesis a c b d e: 4 of 5 and 4 of 4 words, no neighbours in common.

    Their longest common subsequence is a b d (or a c d).
    """
    rouge = TextScorer().sentence("a c b d e", ["a b c d"]).rouge
    assert rouge["rouge_1"] == pytest.approx(2 * (4 / 5) * (4 / 4) / (4 / 5 + 4 / 4))
    assert rouge["rouge_2"] == 0
    assert rouge["rouge_l"] == pytest.approx(2 * (3 / 5) * (3 / 4) / (3 / 5 + 3 / 4))
    # neighbours: (x y), (y z) against (x y), (y w): 1 of 2 both ways
    assert TextScorer().sentence("x y z", ["x y w"]).rouge["rouge_2"] == pytest.approx(0.5)


def test_rouge_sees_letters_beyond_ascii() -> None:
    scorer = TextScorer()
    assert scorer.sentence("Η γάτα κοιμάται.", ["Η γάτα κοιμάται!"]).rouge["rouge_1"] == 1
    # A tokenizer that cut at ö would find "sch" and "n" in both and call this half right.
    assert scorer.sentence("schön", ["schün"]).rouge["rouge_1"] == 0
    assert scorer.sentence("SCHÖN", ["schön"]).rouge["rouge_1"] == 1


def test_the_best_reference_counts_for_rouge_and_equality() -> None:
    scores = TextScorer().sentence("b c", ["x y", " b c "])
    assert scores.rouge["rouge_l"] == 1
    assert scores.exact
    assert not TextScorer().sentence("B c", ["b c"]).exact


def test_exact_match_and_rouge_of_a_set_are_means() -> None:
    scores = corpus_scores(TextScorer(), ["a b", "c"], [("a b",), ("d",)])
    assert scores["exact_match"] == 0.5
    assert scores["rouge"]["rouge_1"] == 0.5


def test_empty_texts_are_scored() -> None:
    scores = corpus_scores(TextScorer(), ["", "a b c d"], [("a b c d",), ("a b c d",)])
    assert scores["bleu"]["brevity_penalty"] < 1
    assert scores["ter"]["score"] == pytest.approx(50)


def test_bleu_tokenizer_of_a_language() -> None:
    assert bleu_tokenizer_for("de") == bleu_tokenizer_for(None) == "13a"
    assert bleu_tokenizer_for("zh") == bleu_tokenizer_for("zh-CN") == "zh"
    assert bleu_tokenizer_for("ja") == "char"
    assert bleu_tokenizer_for("Chinese") == bleu_tokenizer_for("zh_TW") == "zh"
    assert [bleu_tokenizer_for(code) for code in ("zho_Hans", "cmn", "yue", "chi")] == ["zh"] * 4
    unspaced = ("khm_Khmr", "tha", "Thai", "lao_Laoo", "mya_Mymr", "Burmese", "jpn_Jpan", "my")
    assert [bleu_tokenizer_for(code) for code in unspaced] == ["char"] * 8
    assert bleu_tokenizer_for("deu_Latn") == bleu_tokenizer_for("mai") == "13a"
    assert bleu_tokenizer_for("zh", is_tokenized=True) == "none"
    with pytest.raises(UserError, match="13a, intl"):
        TextScorer("13b")
