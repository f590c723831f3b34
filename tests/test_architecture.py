"""The shape of the project: which module may import which, how long files and functions may be."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("seq2seq", "data")
SCRIPTS = sorted(path for path in ROOT.glob("*.py") if path.name != "conftest.py")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
SOURCES = [*SCRIPTS, *MODULES]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
FOLDERS = ("seq2seq", "data", "configs", "tests", "docs", "benchmarks")
TEXT_SUFFIXES = {".md", ".py", ".yaml", ".toml", ".txt", ".html", ".js", ".css", ".sh"}
TEXTS = sorted(
    path
    for files in (ROOT.iterdir(), *((ROOT / folder).rglob("*") for folder in FOLDERS))
    for path in files
    if path.is_file()
    and (path.suffix in TEXT_SUFFIXES or path.name == "Makefile")
    # What stands in a hidden folder was installed there.
    and not any(part.startswith(".") for part in path.relative_to(ROOT).parts[:-1])
)

# The network itself: sizes and ids arrive as arguments, so that it can be read, and used, without a corpus.
MODEL_FILES = {
    *("seq2seq.attention", "seq2seq.gru", "seq2seq.recurrence", "seq2seq.dropout", "seq2seq.embedding"),
    *("seq2seq.encoder", "seq2seq.decoder", "seq2seq.decoding_weights", "seq2seq.losses", "seq2seq.model"),
    *("seq2seq.fast_recurrence", "seq2seq.replayed_operations", "seq2seq.additive_attention"),
    *("seq2seq.gru_gates", "seq2seq.output_loss", "seq2seq.matmul_precision", "seq2seq.guided_attention"),
    *("seq2seq.consistency", "seq2seq.batch_parts", "seq2seq.xla", "seq2seq.processor"),
}
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
# What is a table rather than a program, and may be longer.
LONGER_FILES: set[str] = set()
LONGER_FUNCTIONS = {"data.starter_clauses._joined", "data.starter_statements._being"}
HEAVY = {
    *("tensorflow", "keras", "matplotlib", "numpy", "pandas", "scipy", "sentencepiece", "sacrebleu"),
    *("sacremoses", "rouge_score", "tensorflow_datasets", "rich", "pydantic", "yaml", "fastapi", "uvicorn"),
}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports(path: Path, *, at_start_only: bool = False) -> Iterator[str]:
    """Full names of what a file imports; `from a.b import c` gives both a.b and a.b.c.

    With `at_start_only`, what is imported when the module is: not what functions import when they are called,
    nor what only type checkers read.
    """
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"), str(path))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are written in full"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        if at_start_only:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                waiting.extend(node.orelse)
                continue
        waiting.extend(ast.iter_child_nodes(node))


def in_package(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def test_there_is_something_to_look_at() -> None:
    assert {"train.py", "translate.py"} <= {path.name for path in SCRIPTS}
    assert {name_of(path) for path in MODULES} >= MODEL_FILES
    assert len(TEXTS) > 50


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.is_relative_to(ROOT / "data")], ids=name_of
)
def test_data_never_imports_seq2seq(path: Path) -> None:
    assert [name for name in imports(path) if in_package(name, "seq2seq")] == []


@pytest.mark.parametrize("path", [path for path in MODULES if name_of(path) in MODEL_FILES], ids=name_of)
def test_model_files_import_nothing_but_each_other_and_keras(path: Path) -> None:
    allowed = {"__future__", "keras", "tensorflow", "numpy"} | set(sys.stdlib_module_names)
    for name in imports(path):
        own = any(in_package(name, module) for module in MODEL_FILES)
        assert own or name.split(".")[0] in allowed, f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_but_tests_imports_tests_or_scripts(path: Path) -> None:
    forbidden = {"tests", "benchmarks", *(script.stem for script in SCRIPTS)}
    assert [name for name in imports(path) if name.split(".")[0] in forbidden] == []


def test_imports_go_round_in_no_circle() -> None:
    names = {name_of(path): path for path in MODULES}
    below = {
        name: {other for other in imports(path, at_start_only=True) if other in names and other != name}
        for name, path in names.items()
    }
    finished: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join((*above[above.index(name) :], name))
        if name not in finished:
            for other in sorted(below[name]):
                visit(other, (*above, name))
            finished.add(name)

    for name in sorted(names):
        visit(name, ())


def test_init_files_are_empty() -> None:
    """So that importing a package loads nothing, and --help answers at once."""
    for package in PACKAGES:
        for path in (ROOT / package).rglob("__init__.py"):
            assert path.read_text() == "", path


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_scripts_parse_and_delegate(path: Path) -> None:
    """A script knows its command and how to start it, nothing else."""
    allowed = {"seq2seq.startup", f"seq2seq.{path.stem}_command"}
    modules = {name for name in imports(path) if name.count(".") == 1}
    assert modules == allowed
    assert len(path.read_text().splitlines()) <= 15


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_what_help_loads_is_light(path: Path) -> None:
    """Everything that a script imports before it knows its arguments, however far down."""
    seen, waiting = set(), [path]
    while waiting:
        current = waiting.pop()
        for name in imports(current, at_start_only=True):
            assert name.split(".")[0] not in HEAVY, f"{name_of(current)} imports {name}"
            found = ROOT / Path(*name.split(".")).with_suffix(".py")
            if found.is_file() and found not in seen:
                seen.add(found)
                waiting.append(found)
    assert seen


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=name_of)
def test_files_are_short(path: Path) -> None:
    length = len(path.read_text(encoding="utf-8").splitlines())
    is_test = path.is_relative_to(ROOT / "tests")
    if is_test or name_of(path) in LONGER_FILES:
        assert length <= 2 * LONGEST_FILE
    else:
        assert length <= LONGEST_FILE


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_functions_are_short(path: Path) -> None:
    """Their code, that is: a docstring may be as long as it has to be, and so may a list of arguments."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        length = 0 if not body else int(body[-1].end_lineno or 0) - body[0].lineno + 1
        name = f"{name_of(path)}.{node.name}"
        assert length <= LONGEST_FUNCTION or name in LONGER_FUNCTIONS, f"{name}: {length} lines"


def test_no_file_is_called_after_nothing() -> None:
    meaningless = {"utils", "util", "helpers", "helper", "misc", "common", "tools", "stuff"}
    assert [name_of(path) for path in SOURCES if path.stem in meaningless] == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_path_of_one_machine(path: Path) -> None:
    """What works only where it was written is of no use to anybody else."""
    text = path.read_text(encoding="utf-8")
    # In two parts, because this file is one of those it reads.
    for start in ("/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "C:" + "\\"):
        assert start not in text, f"{path}:{text[: text.index(start)].count(chr(10)) + 1}: {start}"


def test_the_network_and_the_data_mean_the_same_padding() -> None:
    """The network may not import data/, so it has a constant of its own."""
    from data import special_ids
    from seq2seq import losses

    assert losses.PAD_ID == special_ids.PAD_ID
