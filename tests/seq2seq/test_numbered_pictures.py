"""Pictures are numbered, and none takes the place of another one."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seq2seq import attention_pictures
from seq2seq.attention_pictures import NumberedPictures, PictureStyle

TWO_DOGS: Any = SimpleNamespace(source=SimpleNamespace(text="two dogs"))


def test_two_that_draw_at_once_do_not_replace_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_draw = threading.Barrier(2, timeout=20)

    def draw(translation: Any, path: Path, style: PictureStyle) -> None:
        both_draw.wait()
        path.write_text("drawn")

    monkeypatch.setattr(attention_pictures, "save_picture", draw)
    sets = [NumberedPictures(tmp_path / "plots") for _ in range(2)]
    threads = [threading.Thread(target=each.save, args=(TWO_DOGS, 1, PictureStyle())) for each in sets]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    found = {path.name: path.read_text() for path in (tmp_path / "plots").iterdir()}
    assert found == {"0001-two-dogs.png": "drawn", "0002-two-dogs.png": "drawn"}


def test_a_picture_that_fails_leaves_no_empty_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(attention_pictures, "save_picture", fail)
    with pytest.raises(KeyboardInterrupt):
        NumberedPictures(tmp_path / "plots").save(TWO_DOGS, 1, PictureStyle())
    assert list((tmp_path / "plots").iterdir()) == []
