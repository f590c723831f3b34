"""A TFDS builder whose files may come from a mirror, and which survives that some of them do not exist."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import tensorflow_datasets as tfds

from data.downloads import WAYS_OUT, RemoteFile, fetch_splits, read_registered_files
from data.errors import DataError

_UNAVAILABLE = "unavailable_splits"  # key in the metadata that TFDS keeps beside the prepared data


class MirroredBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
    """Base of this project's own builders.

    Two ways lead to the same prepared data. `download_and_prepare()` takes TFDS's ordinary download manager
    and needs every file. `prepare_from(mirror, ...)` takes this project's downloader: a mirror may stand in
    for the publisher, a dead host is found out in seconds, and a split whose files the place does not have
    is left out. Such a split is written down in the prepared data, so that it is looked for again as soon
    as somebody asks for it.
    """

    BASE_URL: ClassVar[str]
    CHECKSUMS: ClassVar[Path]

    _fetched: Mapping[str, Mapping[str, Path]] | None = None

    @abc.abstractmethod
    def split_files(self) -> dict[str, dict[str, str]]:
        """Say which files each split is read from: {split: {role: path below `BASE_URL`}}."""

    @abc.abstractmethod
    def split_examples(
        self, split_paths: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Iterator[tuple[int, dict[str, str]]]]:
        """Read the files: {split: {role: local path}} to {split: iterator of (key, {language: text})}."""

    @property
    def unavailable_splits(self) -> dict[str, str]:
        """The splits left out of the prepared data, and why."""
        return dict((self.info.metadata or {}).get(_UNAVAILABLE, {}))

    def prepare_from(self, mirror: str | None, required_splits: frozenset[str]) -> None:
        """Fetch every file that is to be had, then generate the data, replacing an older, partial set.

        Args:
            mirror: a folder or a base URL that stands in for `BASE_URL`; None: `BASE_URL` itself.
            required_splits: splits without which nothing is generated.

        Raises:
            DataError: a required split is not available, or `data.downloads.fetch` failed.
        """
        registered = read_registered_files(self.CHECKSUMS, self.BASE_URL)
        splits: dict[str, dict[str, RemoteFile]] = {
            split: {role: registered[path] for role, path in files.items()}
            for split, files in self.split_files().items()
        }
        downloads = Path(self.data_dir_root) / "downloads" / self.name
        available, unavailable = fetch_splits(splits, downloads, mirror)
        for split in sorted(required_splits & unavailable.keys()):
            raise DataError(
                f"Split {split!r} of {self.info.full_name} is not to be had: {unavailable[split]} "
                f"To be had: {', '.join(available) or 'none'}. {WAYS_OUT}"
            )
        config = tfds.download.DownloadConfig(
            download_mode=tfds.GenerateMode.REUSE_CACHE_IF_EXISTS,  # keeps downloads, replaces prepared data
            try_download_gcs=False,
        )
        self._fetched = available
        self.info.metadata[_UNAVAILABLE] = unavailable
        try:
            self.download_and_prepare(download_config=config)
        finally:
            self._fetched = None

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[int, dict[str, str]]]]:
        if self._fetched is not None:
            return self.split_examples(self._fetched)
        urls = {
            split: {role: self.BASE_URL + path for role, path in files.items()}
            for split, files in self.split_files().items()
        }
        return self.split_examples(dl_manager.download(urls))

    def _generate_examples(self) -> Iterator[tuple[int, dict[str, str]]]:
        raise NotImplementedError("_split_generators hands over the examples themselves")
