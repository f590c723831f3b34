"""One script out of several modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq2seq.report.script_bundle import bundled


def write(folder: Path, **modules: str) -> Path:
    for name, text in modules.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder / "main.js"


def test_a_module_stands_behind_what_it_imports_and_only_once(tmp_path):
    script = bundled(
        write(
            tmp_path,
            main='import { one } from "./one.js";\nimport { two as second } from "./two.js";\none(second);\n',
            one='import { two } from "./two.js";\nexport function one() { return two; }\n',
            two="export const two = 2;\n",
        )
    )
    assert script.count("// two.js") == script.count("const module_0 = ") == 1
    assert script.index("// two.js") < script.index("// one.js") < script.index("// main.js")
    assert "const { two: second } = module_0;" in script
    assert "return { two };" in script
    assert "import" not in script
    assert "export" not in script


def test_forms_that_are_not_known_are_an_error(tmp_path):
    for text in (
        'import thing from "./one.js";\n',
        'import * as all from "./one.js";\n',
        "const late = await import('./one.js');\n",
        "export default 3;\n",
        "const three = 3;\nexport { three };\n",
    ):
        with pytest.raises(ValueError, match="form of import or export"):
            bundled(write(tmp_path, main=text, one="export const one = 1;\n"))


def test_a_circle_is_an_error(tmp_path):
    first = write(
        tmp_path, main='import { a } from "./other.js";\n', other='import { b } from "./main.js";\n'
    )
    with pytest.raises(ValueError, match="imports itself"):
        bundled(first)


def test_imports_over_several_lines_are_read(tmp_path):
    text = 'import {\n  one,\n  two,\n} from "./one.js";\none(two);\n'
    script = bundled(write(tmp_path, main=text, one="export function one() {}\nexport const two = 2;\n"))
    assert "one,\n  two" in script
    assert "} = module_0;" in script
