"""What the server does not do: too much, the wrong thing, or give out a file that is not of the page."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from seq2seq.inspector.guards import HEADERS
from seq2seq.inspector.limits import Limits
from seq2seq.inspector.page_files import FOLDER, read_page_files
from seq2seq.inspector.questions import Questions
from seq2seq.inspector.schemas import ErrorBody
from tests.seq2seq.inspector.asking import ANSWERS, Asking

ROOT = Path(__file__).parents[3]
SOURCE = "two dogs run."
TOO_LONG = "; at most 120 are allowed. Translate it sentence by sentence."
POSTS = sorted(path for path in ANSWERS if path not in ("/health", "/api/models"))


@pytest.mark.parametrize(
    ("path", "body", "code", "field"),
    [
        ("translate", {"sentences": ["x" * 121]}, "too_long", "sentences.0"),
        ("translate", {"sentences": ["x"] * 41}, "too_many", "sentences"),
        ("translate", {"sentences": []}, "invalid_request", "sentences"),
        ("translate", {}, "invalid_request", "sentences"),
        ("translate", {"sentences": "one"}, "invalid_request", "sentences"),
        ("translate", {"sentences": [1]}, "invalid_request", "sentences.0"),
        ("translate", {"sentences": ["x"], "beam_size": 7}, "invalid_request", "beam_size"),
        ("translate", {"sentences": ["x"], "beam_size": 0}, "invalid_request", "beam_size"),
        ("translate", {"sentences": ["x"], "beam_size": "5"}, "invalid_request", "beam_size"),
        ("translate", {"sentences": ["x"], "beam_size": True}, "invalid_request", "beam_size"),
        ("translate", {"sentences": ["x"], "beam_size": 6, "n_best": 5}, "invalid_request", "n_best"),
        ("translate", {"sentences": ["x"], "beam_size": 2, "n_best": 3}, "invalid_request", "n_best"),
        ("translate", {"sentences": ["x"], "length_penalty": -1}, "invalid_request", "length_penalty"),
        ("translate", {"sentences": ["x"], "length_penalty": 11}, "invalid_request", "length_penalty"),
        ("translate", {"sentences": ["x"], "length_penalty": "1"}, "invalid_request", "length_penalty"),
        ("beam", {"source": SOURCE, "coverage_penalty": True}, "invalid_request", "coverage_penalty"),
        ("translate", {"sentences": ["x"], "beamsize": 1}, "invalid_request", "beamsize"),
        ("translate", {"sentences": ["x"], "prefix": ["no such piece"]}, "unknown_piece", "prefix.0"),
        ("translate", {"sentences": ["x"], "prefix": ["<unk>"]}, "unknown_piece", "prefix.0"),
        ("translate", {"sentences": ["x"], "prefix": ["<s>"]}, "unknown_piece", "prefix.0"),
        ("translate", {"sentences": ["x"], "prefix": ["</s>", "▁t"]}, "unknown_piece", "prefix.0"),
        ("translate", {"sentences": ["x", "y"], "prefix": ["▁t"]}, "invalid_request", None),
        ("translate", {"sentences": ["x"], "prefix": ["▁t"] * 501}, "too_long", "prefix"),
        ("score", {"pairs": [{"source": SOURCE}]}, "invalid_request", "pairs.0"),
        ("score", {"pairs": [{"source": "x", "target": "x" * 121}]}, "too_long", "pairs.0.target"),
        (
            "score",
            {"pairs": [{"source": "x", "target_pieces": []}]},
            "invalid_request",
            "pairs.0.target_pieces",
        ),
        ("alternatives", {"source": ""}, "invalid_request", "source"),
        ("alternatives", {"source": SOURCE, "prefix": ["</s>"]}, "invalid_request", "prefix"),
        ("alternatives", {"source": SOURCE, "count": 51}, "invalid_request", "count"),
        ("why", {"source": " "}, "invalid_request", "source"),
        ("why", {"source": SOURCE, "target_pieces": ["▁t"] * 62}, "too_long", "target_pieces"),
        ("beam", {"source": SOURCE, "pruned": 9}, "invalid_request", "pruned"),
        ("beam", {"source": SOURCE, "prefix": ["▁t", "</s>"]}, "invalid_request", "prefix"),
        ("pin", {"source": SOURCE, "target_pieces": ["▁t"], "pins": []}, "invalid_request", "pins"),
    ],
)
def test_what_is_wrong_is_named(api: Asking, path: str, body: Any, code: str, field: str | None) -> None:
    error = api.post(f"/api/{path}", status=422, **body)["error"]
    assert error["code"] == code
    assert [problem["field"] for problem in error["problems"]] == [field]
    assert len(error["message"]) < 300


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("translate", {"sentences": ["x", "x" * 121]}, f"Sentence 2 has 121 characters{TOO_LONG}"),
        (
            "score",
            {"pairs": [{"source": "x", "target": "x"}, {"source": "x", "target": "x" * 121}]},
            f"The translation of pair 2 has 121 characters{TOO_LONG}",
        ),
        ("beam", {"source": "x" * 121}, f"The source has 121 characters{TOO_LONG}"),
        (
            "translate",
            {"sentences": ["x"], "prefix": ["▁t"] * 501},
            "The beginning of the translation has 501 pieces; at most 500 are allowed.",
        ),
        (
            "score",
            {"pairs": [{"source": "x", "target_pieces": []}]},
            "The translation of pair 1 has no piece; give one at least.",
        ),
        (
            "score",
            {"pairs": [{"source": "x", "target": "x"}] * 41},
            "41 pairs at once are too many; at most 40 are allowed.",
        ),
        (
            "translate",
            {"sentences": ["x"], "beam_size": 7},
            "7 hypotheses to follow at once are too many; at most 6 are allowed.",
        ),
        (
            "translate",
            {"sentences": ["x"], "beam_size": 2, "n_best": 3},
            "A beam of 2 finds at most 2 translations of a sentence, and 3 were asked for. Follow more "
            "hypotheses, or ask for fewer translations.",
        ),
        (
            "pin",
            {
                "source": SOURCE,
                "target_pieces": ["▁t", "</s>"],
                "pins": [{"target_word": 0, "source_words": [99]}],
            },
            "The source has no word 99; they go from 0 to 4, which is its end.",
        ),
        ("why", {"source": " "}, "The source is empty. Write a sentence."),
    ],
)
def test_people_are_told_without_names_of_fields(api: Asking, path: str, body: Any, message: str) -> None:
    error = api.post(f"/api/{path}", status=422, **body)["error"]
    assert error["message"] == message
    assert [problem["message"] for problem in error["problems"]] == [message]


def test_a_million_mistakes_are_not_all_listed(api: Asking) -> None:
    error = api.post("/api/translate", status=422, sentences=[1] * 100_000)["error"]
    assert [problem["field"] for problem in error["problems"]] == ["sentences.0"]
    assert "more" not in error["message"]


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "invalid_json"),
        (b"", 400, "invalid_json"),
        (b"[" * 15_000, 400, "invalid_json"),
        (b'{"sentences": ["a"], "length_penalty": NaN}', 422, "invalid_request"),
        (b'{"sentences": ["a"], "beam_size": ' + b"9" * 6000 + b"}", 400, "invalid_json"),
        (b'{"\\ud800": 1}', 422, "invalid_request"),
        (b"\xff\xfe", 400, "invalid_json"),
        (b"null", 422, "invalid_request"),
        (b'{"sentences": ["' + b"a" * 600_000 + b'"]}', 413, "too_large"),
    ],
    ids=["cut", "nothing", "deep", "NaN", "huge number", "surrogate", "no UTF-8", "null", "large"],
)
def test_bodies_that_are_none(api: Asking, content: bytes, status: int, code: str) -> None:
    response = api.client.post(
        "/api/translate", content=content, headers={"Content-Type": "application/json"}
    )
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_only_json_is_read_so_that_forms_of_other_pages_do_nothing(api: Asking) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        response = api.client.post(
            "/api/translate", content=b'{"sentences": ["a"]}', headers={"Content-Type": media_type}
        )
        assert response.status_code == 415, media_type


def test_other_hosts_methods_and_addresses(api: Asking) -> None:
    assert api.client.get("/health", headers={"Host": "evil.example"}).status_code == 421
    assert api.client.get("/health", headers={"Host": "TESTSERVER:80"}).status_code == 200
    assert api.client.get("/api/translate").json()["error"]["code"] == "method_not_allowed"
    assert api.client.request("DELETE", "/health", json={}).status_code == 405
    assert api.client.get("/nothing").json()["error"]["code"] == "not_found"
    for method, path, status in (
        ("DELETE", "/api/models", 405),
        ("PUT", "/api/translate", 405),
        ("POST", "/", 405),
        ("POST", "/nothing", 404),
    ):
        assert api.client.request(method, path, content=b"no JSON").status_code == status, (method, path)


@pytest.mark.parametrize(
    "path",
    [
        "/page/../schemas.py",
        "/page/%2e%2e/schemas.py",
        "/page/..%2fschemas.py",
        "/page/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/page//etc/passwd",
        "/page/%2fetc%2fpasswd",
        "/page/..\\schemas.py",
        "/page/....//schemas.py",
        "/page/%252e%252e/schemas.py",
        "/page/index.html%00.js",
        "/page/index.html/",
        "/page/",
        "/page/.hidden",
        "/page/C:/secret",
    ],
)
def test_crafted_paths_reach_nothing(api: Asking, path: str) -> None:
    """Sent as they are: a client that tidies paths up would hide what the server makes of them."""
    from httpx import URL

    url = URL(scheme="http", host="testserver", raw_path=path.encode())
    response = api.client.get(url, follow_redirects=False)
    assert response.status_code == 404, response.text
    assert response.headers["content-type"].startswith("application/json")


def test_every_answer_carries_the_security_headers(api: Asking) -> None:
    for response in (
        api.client.get("/"),
        api.client.get("/docs"),
        api.client.get("/nothing"),
        api.client.post("/api/translate", json={}),
        api.client.get("/health", headers={"Host": "evil.example"}),
    ):
        for name, value in HEADERS.items():
            assert response.headers[name] == value
        assert "unsafe" not in response.headers["Content-Security-Policy"]


def test_so_does_the_answer_to_what_the_program_fails_on(
    api: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a secret of the server")

    monkeypatch.setattr(Questions, "translate", fails)
    response = api.client.post("/api/translate", json={"sentences": ["x"]})
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "model_failed"
    assert "secret" not in response.text
    for name, value in HEADERS.items():
        assert response.headers[name] == value


def test_the_page_and_its_files(api: Asking) -> None:
    page = api.client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.content == (FOLDER / "index.html").read_bytes()
    for path in ("/", "/health", "/api/models"):
        assert api.client.head(path).status_code == 200
    for path in FOLDER.rglob("*.js"):
        answer = api.client.get(f"/page/{path.relative_to(FOLDER).as_posix()}")
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.content == path.read_bytes()


def test_only_files_of_the_page_s_kinds_inside_its_folder_are_read(tmp_path: Path) -> None:
    page = tmp_path / "page"
    (page / "parts").mkdir(parents=True)
    (tmp_path / "secret.js").write_text("secret")
    for name in ("index.html", "parts/a.js", "notes.txt", ".hidden.js", "run.py"):
        (page / name).write_text(name)
    (page / "link.js").symlink_to(tmp_path / "secret.js")
    assert sorted(read_page_files(page)) == ["index.html", "parts/a.js"]


def test_the_description_is_complete_and_loads_nothing(api: Asking) -> None:
    description = api.client.get("/openapi.json").json()
    assert set(description["paths"]) == set(ANSWERS)
    page = api.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert 'href="docs.css"' in page.text
    assert api.client.get("/docs.css").headers["content-type"].startswith("text/css")
    for path in ANSWERS:
        assert path in page.text
    for outside in ("<script", "http://", "https://", "style="):
        assert outside not in page.text


class TestTheDocument:
    """docs/inspector_api.md says of errors and headers what the server does."""

    TEXT = (ROOT / "docs" / "inspector_api.md").read_text(encoding="utf-8")

    @pytest.fixture(scope="class")
    def table(self) -> dict[int, set[str]]:
        """The codes of each status."""
        rows = re.findall(r"^\| (\d{3}) \| (.*) \|$", self.TEXT, re.MULTILINE)
        return {int(status): set(re.findall(r"`([a-z_]+)`", said)) for status, said in rows}

    def test_its_table_has_the_errors_of_the_code(self, table: dict[int, set[str]]) -> None:
        found: dict[int, set[str]] = {}
        for path in (ROOT / "seq2seq" / "inspector").glob("*.py"):
            text = path.read_text(encoding="utf-8")
            for status, code in re.findall(r'\b([45]\d\d)(?:,|: \()\s*"([a-z_]+)"', text):
                found.setdefault(int(status), set()).add(code)
        del found[499]  # nobody is there any more to be told
        assert table == found
        assert set().union(*table.values()) == set(get_args(ErrorBody.model_fields["code"].annotation))

    def test_its_table_is_that_of_the_description(self, api: Asking, table: dict[int, set[str]]) -> None:
        paths = api.client.get("/openapi.json").json()["paths"]
        for path in POSTS:
            # Of 405 an address can say nothing: it is answered to other methods.
            assert set(paths[path]["post"]["responses"]) == {"200", *map(str, table)} - {"405"}
        for path in ("/health", "/api/models"):
            assert set(paths[path]["get"]["responses"]) == {"200", "421", "500"}

    def test_its_limits_are_the_defaults(self) -> None:
        limits = re.search(r'"limits": (\{[^}]*\})', self.TEXT)
        assert limits is not None
        assert json.loads(limits[1]) == Limits().to_json()

    def test_it_lists_every_header(self) -> None:
        block = self.TEXT.split("Every answer carries")[1].split("```")[1]
        assert dict(line.split(": ", 1) for line in block.strip().splitlines()) == HEADERS


RIGHT: dict[str, Any] = {
    "sentences": ["two dogs."],
    "source": "two dogs.",
    "target_pieces": ["▁t", "</s>"],
    "pairs": [{"source": "a", "target": "b"}],
    "pins": [{"target_word": 0, "source_words": [1]}],
}
ANY_VALUE: list[Any] = [
    *(None, True, 0, 1, 3, -1, 1e9, 10**20, 0.5, [], {}, [[]], [None], {"a": 1}),
    *("", "two dogs.", "x" * 130, "</s>", "▁t", "犬\u202e\x00", "\ud800"),
    *(["▁t"], ["▁t", "</s>"], ["</s>"], [{"target_word": 0, "source_words": [0]}]),
]


def test_random_requests_are_answered_and_never_fail(api: Asking) -> None:
    """Put together at random from right and wrong parts: no 500, and JSON always."""
    generator = random.Random(5)
    described = api.client.get("/openapi.json").json()["components"]["schemas"]
    fields = {path: list(described[f"{path[5:].title()}Request"]["properties"]) for path in POSTS}
    statuses = set()
    for _ in range(300):
        path = generator.choice(POSTS)
        body = {name: RIGHT[name] for name in fields[path] if name in RIGHT and generator.random() < 0.9}
        for _ in range(generator.randrange(3)):
            body[generator.choice([*fields[path], "other", "\ud800"])] = generator.choice(ANY_VALUE)
        # In ASCII: what cannot be written as UTF-8 can still be sent as an escape.
        response = api.client.post(
            path, content=json.dumps(body), headers={"Content-Type": "application/json"}
        )
        statuses.add(response.status_code)
        assert response.status_code in (200, 404, 422), (path, body, response.text)
        json.loads(response.text)
    assert statuses == {200, 404, 422}
