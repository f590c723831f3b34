"""The report as a file: whole, harmless whatever the texts are, and small."""

from __future__ import annotations

import base64
import json
import re
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from data.errors import UserError
from seq2seq.report.document import html_document, json_in_html, write_html
from tests.seq2seq.report.example_report import ExampleSet, evaluated, example_document

HOSTILE = "</script><script>alert(1)</script><!--<script> ]]> & \u2028 <b>fett</b>"
ANIMALS = ExampleSet("animals", {"a dog": "ein Hund", "a cat sleeps": "eine Katze"})


class Page(HTMLParser):
    """The elements of a page: what is opened and closed, attributes, and the text of each script."""

    VOID = frozenset({"meta", "link", "br", "img", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            kind = self.attributes[-1][1].get("type") or "script"
            self.scripts[kind] = self.scripts.get(kind, "") + data
        elif "style" not in self.open:
            self.text.append(data)

    @property
    def data(self) -> dict:
        return json.loads(self.scripts["application/json"])


def test_the_data_of_every_set_is_inside():
    other = ExampleSet("plants", {"a tree": "ein Baum"})
    page = Page(example_document(ANIMALS, other))
    assert page.open == []
    assert [each["name"] for each in page.data["sets"]] == ["animals", "plants"]
    assert page.data["sets"][0] == json.loads(json.dumps(evaluated(ANIMALS)[1]))
    assert page.data["languages"] == {"source": "en", "target": "de"}


@pytest.mark.parametrize("place", ["source", "translation", "reference", "set", "system"])
def test_whatever_a_text_holds_the_page_is_the_same(place):
    texts = {
        "source": "a dog",
        "translation": "ein Hund",
        "reference": "Hund",
        "set": "one",
        "system": "name",
    }
    harmless, hostile = Page(document_of(texts)), Page(document_of({**texts, place: HOSTILE}))
    assert hostile.open == []
    assert hostile.tags == harmless.tags
    assert hostile.scripts["script"] == harmless.scripts["script"]
    (sentence,) = hostile.data["sets"][0]["sentences"]
    found = {
        "source": sentence["source"]["text"],
        "translation": sentence["target"]["text"],
        "reference": sentence["references"][0],
        "set": hostile.data["sets"][0]["name"],
        "system": hostile.data["system"],
    }
    assert found[place] == HOSTILE


def document_of(texts: dict[str, str]) -> str:
    source, translation = texts["source"], texts["translation"]
    example = ExampleSet(texts["set"], {source: translation}, {source: texts["reference"]})
    # The table of lengths and the signs depend on the text; the elements shall not.
    report, gathered = evaluated(example, system=texts["system"])
    report["by_source_length"] = report["by_source_length"][:1]
    return html_document([report], [gathered])


def test_json_survives_its_place_between_script_tags():
    content = {"text": HOSTILE, "more": ["<", "\\u003c", "</SCRIPT >", "\u2029"]}
    written = json_in_html(content)
    assert "<" not in written
    assert json.loads(written) == content


def test_only_its_own_script_runs_and_nothing_is_asked_for():
    page = Page(example_document(ANIMALS))
    policy = next(each["content"] for _, each in page.attributes if "http-equiv" in each)
    digest = base64.b64encode(sha256(page.scripts["script"].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert not {"link", "img", "iframe"} & set(page.tags)
    assert not [each for _, each in page.attributes if {"src", "href"} & set(each)]
    assert not [name for _, each in page.attributes for name in each if name.startswith("on")]
    style = re.search(r"<style>(.*?)</style>", example_document(ANIMALS), re.DOTALL)
    assert style
    assert not re.search(r"@import|url\(|https?:", style[1])


def test_scores_and_signatures_stand_in_the_page_without_any_script():
    report, gathered = evaluated(ANIMALS)
    text = " ".join(Page(html_document([report], [gathered])).text)
    for key in ("bleu", "chrf", "ter"):
        assert f"{report['scores'][key]['score']:.2f}" in text
        assert report["scores"][key]["signature"] in text
    assert report["set_fingerprint"] in text
    assert "1–4" in text


def test_a_set_without_any_hypothesis_can_be_reported():
    page = Page(example_document(ExampleSet("empty", {"": ""})))
    (only,) = page.data["sets"]
    assert (only["lexicon"], only["dropped"], only["repeated"]) == ([], [], [])
    assert only["sentences"][0]["target"] is None


def test_a_thousand_sentences_stay_under_eight_megabytes(tmp_path):
    from benchmarks.report_opening import write_made_up_report

    path = tmp_path / "report.html"
    write_made_up_report(path, 200)  # of 14 words each, in 34 pieces, with soft attention
    assert 5 * path.stat().st_size < 8e6


def test_a_file_that_cannot_be_written_is_the_users_mistake(tmp_path):
    reports, sets = zip(evaluated(ANIMALS), strict=True)
    with pytest.raises(UserError, match="Cannot write"):
        write_html(tmp_path, reports, sets)


def test_the_whole_file_is_written_at_once(tmp_path: Path):
    reports, sets = zip(evaluated(ANIMALS), strict=True)
    path = tmp_path / "deep" / "report.html"
    write_html(path, reports, sets)
    assert path.read_text(encoding="utf-8") == html_document(reports, sets)
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]


def test_every_model_of_an_ensemble_is_named_with_its_fingerprint():
    report, gathered = evaluated(ANIMALS)
    part = {"name": "one", "directory": "run", "checkpoint": None, "fingerprint": "aaa"}
    parts = [part, {**part, "fingerprint": "bbb"}, {**part, "checkpoint": 27, "fingerprint": "ccc"}]
    report["system"]["runs"] = parts
    text = "\n".join(Page(html_document([report], [gathered])).text)
    for name, fingerprint in (("run 1: one (run)", "aaa"), ("run 2: one (run)", "bbb")):
        assert f"{name}\nSHA-256 {fingerprint}" in text
    assert "run 3: one (run@27)\nSHA-256 ccc" in text
