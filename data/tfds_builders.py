"""Find a TFDS builder by name and have its data prepared, with errors for people and a quiet terminal."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import io
import logging
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from data.downloads import mirror_location
from data.errors import DataError
from data.quiet_tensorflow import load_tensorflow_quietly

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

OWN_BUILDERS = {
    "multi30k": "data.multi30k.multi30k_dataset_builder",
    "tatoeba_en_es": "data.tatoeba_en_es.tatoeba_en_es_dataset_builder",
}
_CONNECTION_RETRIES = 3


def import_tfds() -> ModuleType:
    """Import TensorFlow Datasets without TensorFlow's banners and without TFDS's warnings."""
    load_tensorflow_quietly()  # TFDS would load it on first use, with all its messages
    import tensorflow_datasets as tfds
    from absl import logging as absl_logging

    absl_logging.set_verbosity(absl_logging.ERROR)
    tfds.display_progress_bar(sys.stderr.isatty())
    return tfds


def find_builder(
    name: str,
    source_language: str | None,
    target_language: str | None,
    data_dir: str | os.PathLike[str] | None,
) -> tfds.core.DatasetBuilder:
    """Give the builder of a data set: one of this project's, one that TFDS knows, or one prepared earlier.

    Args:
        name: `data_set`, `data_set/configuration`, either with `:version`.
        source_language: decides the configuration when `name` is one of this project's without one.
        target_language: likewise.
        data_dir: where prepared data sets are; None: TFDS's default.

    Raises:
        DataError: there is no such data set or configuration; the message names near ones.
    """
    tfds = import_tfds()
    base = re.split("[/:]", name, maxsplit=1)[0]
    if base in OWN_BUILDERS:
        importlib.import_module(OWN_BUILDERS[base])  # which registers it with TFDS
        if "/" not in name and source_language and target_language:
            name = name.replace(base, f"{base}/{source_language}-{target_language}")
    try:
        with _stdout_is_for_data():
            return tfds.builder(name, data_dir=None if data_dir is None else os.path.expanduser(data_dir))
    except tfds.core.registered.DatasetNotFoundError:
        raise DataError(_unknown_name(base)) from None
    except ImportError as error:
        raise DataError(f"{name} needs a Python package that is not installed: {error}") from error
    except Exception as error:
        raise DataError(_unusable_name(name, error)) from error


def prepare(builder: tfds.core.DatasetBuilder, splits: Iterable[str], mirror: str | None) -> None:
    """Download and generate a data set, unless that has been done: then no network is needed.

    Args:
        builder: whose data.
        splits: the splits that will be read, in TFDS's notation (`train[:10%]`). A split of this project's
            own data sets that was not to be had earlier is looked for again.
        mirror: a folder or a base URL in place of the publisher's; for this project's own data sets.

    Raises:
        DataError: the data cannot be had, or a mirror was given that does not exist or that the data set
            cannot use.
    """
    own = builder.name in OWN_BUILDERS
    if mirror is not None and not own:
        raise DataError(
            f"A mirror can be used for {' and '.join(OWN_BUILDERS)}, not for {builder.info.full_name}. "
            "Give a data_dir that holds the prepared data set, or the sentences as local text files, through "
            "a corpus of `kind: text`."
        )
    # Checked even where everything is prepared: a mistyped mirror must not pass for one that was used.
    mirror_location(mirror)
    wanted = frozenset(base_split for spec in splits for base_split in base_splits(spec))
    # A data set read back from its files alone (another version of it, say) has no recipe to prepare it by.
    absent = wanted & getattr(builder, "unavailable_splits", {}).keys()
    if builder.is_prepared() and not absent:
        return
    with _announced(builder):
        if own:
            _prepare_own(builder, wanted, absent, mirror)
        else:
            _prepare_other(builder)
    for split, reason in getattr(builder, "unavailable_splits", {}).items():
        print(f"Note: {builder.info.full_name} is without the split {split!r}: {reason}", file=sys.stderr)


def base_splits(spec: str) -> list[str]:
    """Give the names of the splits that a specification takes parts of: `a[:5%]+b` -> ["a", "b"]."""
    return [re.split(r"\[", part, maxsplit=1)[0].strip() for part in spec.split("+")]


def _prepare_own(
    builder: tfds.core.DatasetBuilder, wanted: frozenset[str], absent: frozenset[str], mirror: str | None
) -> None:
    """Prepare one of this project's data sets; `absent` are those of the `wanted` splits it lacked before."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # TFDS's greetings say nothing that is not said here
            builder.prepare_from(mirror, wanted & builder.split_files().keys())
    except Exception as error:
        # TFDS wraps whatever a builder raises while it reads.
        mistake = _data_error_behind(error) or f"{type(error).__name__}: {error}"
        before = f"It was prepared without {', '.join(sorted(absent))} earlier. " if absent else ""
        raise DataError(f"{builder.info.full_name} cannot be prepared. {before}{mistake}") from error


def _prepare_other(builder: tfds.core.DatasetBuilder) -> None:
    try:
        with _fewer_connection_retries(), _stdout_is_for_data():
            builder.download_and_prepare()
    except Exception as error:
        raise DataError(
            f"TFDS could not prepare {builder.info.full_name}: {type(error).__name__}: {error}\n"
            f"Ways out: prepare it on a machine that can, and give that folder as data_dir (now "
            f"{builder.data_dir_root}), or give the sentences as local text files, through a corpus of "
            "`kind: text`."
        ) from error


def _data_error_behind(error: BaseException | None) -> DataError | None:
    """Find our own message under the exceptions that TFDS wraps around what a builder raises."""
    while error is not None:
        if isinstance(error, DataError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _unknown_name(base: str) -> str:
    import tensorflow_datasets as tfds

    known = sorted({*OWN_BUILDERS, *tfds.list_builders(with_community_datasets=False)})
    near = difflib.get_close_matches(base, known, n=5, cutoff=0.5)
    near += [known_name for known_name in known if base and base in known_name and known_name not in near]
    hint = f"Near names: {', '.join(near)}." if near else f"Own ones: {', '.join(OWN_BUILDERS)}."
    return (
        f"There is no data set {base!r}, neither in TFDS {tfds.__version__} nor prepared in the data_dir. "
        f"{hint} The translation data sets of TFDS are listed at "
        "https://www.tensorflow.org/datasets/catalog/overview#translate"
    )


def _unusable_name(name: str, error: Exception) -> str:
    import tensorflow_datasets as tfds

    base, _, configuration = name.partition("/")
    with contextlib.suppress(Exception):
        known = list(tfds.builder_cls(base).builder_configs)
        if configuration.partition(":")[0] not in known:
            near = difflib.get_close_matches(configuration, known, n=8, cutoff=0.3) or known[:8]
            return (
                f"{base} has no configuration {configuration!r}. "
                f"{'It has' if len(near) == len(known) else f'Near ones of its {len(known)}'}: "
                f"{', '.join(near) or 'none: write the name alone'}."
            )
    first_line = str(error).partition("\n")[0]
    return f"TFDS cannot use the name {name!r} (expected data_set/configuration): {first_line}"


@contextlib.contextmanager
def _stdout_is_for_data() -> Iterator[None]:
    """TFDS announces downloads on stdout, where this project's programs write translations."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


@contextlib.contextmanager
def _announced(builder: tfds.core.DatasetBuilder) -> Iterator[None]:
    started = time.monotonic()
    print(f"Preparing {builder.info.full_name} in {builder.data_dir_root} (once) ...", file=sys.stderr)
    yield
    print(f"Prepared {builder.info.full_name} in {time.monotonic() - started:.0f} s.", file=sys.stderr)


@contextlib.contextmanager
def _fewer_connection_retries() -> Iterator[None]:
    """TFDS tries a dead host ten times, for more than three minutes, and says nothing meanwhile."""
    from tensorflow_datasets.core.download import downloader

    usual = downloader.MAX_RETRIES
    connection_log = logging.getLogger("urllib3")
    usual_level = connection_log.level
    downloader.MAX_RETRIES = min(usual, _CONNECTION_RETRIES)
    connection_log.setLevel(logging.ERROR)  # each retry would be a warning; the error at the end says it all
    try:
        yield
    finally:
        downloader.MAX_RETRIES = usual
        connection_log.setLevel(usual_level)
