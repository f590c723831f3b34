"""The page's files, read once when the server starts: a request chooses among names, never among paths."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "page"

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}


class PageFile(NamedTuple):
    content: bytes
    media_type: str


def read_page_files(folder: Path = FOLDER) -> dict[str, PageFile]:
    """All files of the page by their names, `index.html` or `views/tree.js`.

    Files of other kinds and hidden ones are left out, and so is what only seems to be in the folder.
    """
    root = folder.resolve()
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        is_hidden = any(part.startswith(".") for part in name.parts)
        media_type = MEDIA_TYPES.get(path.suffix)
        if media_type and not is_hidden and path.is_file() and path.resolve().is_relative_to(root):
            files[name.as_posix()] = PageFile(path.read_bytes(), media_type)
    return files
