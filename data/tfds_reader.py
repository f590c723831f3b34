"""Read sentence pairs out of a prepared TFDS data set, in order and as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from data.corpora import Split
from data.errors import DataError
from data.tfds_builders import base_splits, import_tfds

if TYPE_CHECKING:
    import tensorflow as tf
    import tensorflow_datasets as tfds

_PAIRS_PER_READ = 256  # one trip from TensorFlow to Python for so many pairs


@dataclass(frozen=True)
class TranslationReader:
    """Reads two languages of one translation feature.

    Attributes:
        builder: whose data is read.
        feature_name: which of the features holds the translations; None: the example itself is one.
        variable_languages: whether each example names its own languages (`TranslationVariableLanguages`).
        source_language: first of each pair.
        target_language: second of each pair.
    """

    builder: tfds.core.DatasetBuilder
    feature_name: str | None
    variable_languages: bool
    source_language: str
    target_language: str

    def split(self, spec: str) -> Split:
        """Give a split that has been prepared.

        Args:
            spec: in TFDS's notation: `train`, `train[:10%]`, `train+validation`.

        Raises:
            DataError: there is no such split, or the notation is wrong.
        """
        present = self.builder.info.splits
        for base in base_splits(spec):
            if base not in present and base != "all":  # "all" is TFDS's word for every split together
                raise DataError(
                    f"{self.builder.info.full_name} has no split {base!r}. It has: {', '.join(present)}."
                )
        try:
            size = present[spec].num_examples
        except (ValueError, KeyError, NotImplementedError, AssertionError) as error:
            raise DataError(f"{spec!r} is no split in TFDS's notation (as train[:10%] is): {error}") from None
        if size == 0:
            raise DataError(f"The split {spec!r} of {self.builder.info.full_name} is empty.")
        return Split(
            name=spec,
            open_pairs=lambda: self._pairs(spec),
            size=None if self.variable_languages else size,
        )

    def _pairs(self, spec: str) -> Iterator[tuple[str, str]]:
        import tensorflow as tf

        read = self._pairs_of_variable_languages if self.variable_languages else self._pairs_of_two_texts
        try:
            yield from read(self._examples(spec))
        except tf.errors.OpError as error:
            raise DataError(
                f"The prepared data in {self.builder.data_dir} cannot be read: {error.message} "
                "Delete that folder to have it prepared again."
            ) from error
        except UnicodeDecodeError as error:
            raise DataError(f"Split {spec} of {self.builder.info.full_name} is not UTF-8: {error}") from error

    def _examples(self, spec: str) -> tf.data.Dataset:
        tfds = import_tfds()
        # One shard after the other: interleaving them would be another order on another machine.
        order = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
        examples = self.builder.as_dataset(split=spec, shuffle_files=False, read_config=order)
        if self.feature_name is None:
            return examples
        return examples.map(lambda example: example[self.feature_name])

    def _pairs_of_two_texts(self, examples: tf.data.Dataset) -> Iterator[tuple[str, str]]:
        import tensorflow_datasets as tfds

        texts = examples.map(lambda example: (example[self.source_language], example[self.target_language]))
        for sources, targets in tfds.as_numpy(texts.batch(_PAIRS_PER_READ)):
            for source, target in zip(sources, targets, strict=True):
                yield source.decode("utf-8"), target.decode("utf-8")

    def _pairs_of_variable_languages(self, examples: tf.data.Dataset) -> Iterator[tuple[str, str]]:
        """Pair every source text of an example with every target text; examples without both give none."""
        import tensorflow_datasets as tfds

        source_code, target_code = self.source_language.encode(), self.target_language.encode()
        seen: set[bytes] = set()
        found = False
        for example in tfds.as_numpy(examples):
            texts: dict[bytes, list[str]] = {}
            for code, text in zip(example["language"], example["translation"], strict=True):
                texts.setdefault(code, []).append(text.decode("utf-8"))
            for pair in product(texts.get(source_code, ()), texts.get(target_code, ())):
                found = True
                yield pair
            seen.update(texts)
        if not found:
            raise DataError(
                f"{self.builder.info.full_name} has no example in both {self.source_language!r} and "
                f"{self.target_language!r}. Its languages are: {', '.join(sorted(c.decode() for c in seen))}."
            )


def translation_reader(
    builder: tfds.core.DatasetBuilder, source_language: str | None, target_language: str | None
) -> TranslationReader:
    """Find the translations among the features of a data set, and the direction to read them in.

    Args:
        builder: of the data set; it need not be prepared.
        source_language: code; None: chosen by the data set, or the other one of a pair.
        target_language: likewise.

    Raises:
        DataError: it is no translation data set, a language is not there, or the choice is left open.
    """
    feature_name, feature = _translation_feature(builder)
    name = builder.info.full_name
    languages = list(feature.languages or ())
    for language in (source_language, target_language):
        if language is not None and languages and language not in languages:
            raise DataError(f"{name} has no language {language!r}. It has: {', '.join(languages)}.")
    source, target = _direction(builder, languages, source_language, target_language)
    if source is None or target is None:
        known = f"it has {', '.join(languages)}" if languages else "it does not list them"
        raise DataError(f"Name the source and the target language for {name}: {known}.")
    if source == target:
        raise DataError(
            f"Source and target language are both {source!r}. {name} has: {', '.join(languages)}."
        )
    variable = type(feature).__name__ == "TranslationVariableLanguages"
    return TranslationReader(builder, feature_name, variable, source, target)


def _direction(
    builder: tfds.core.DatasetBuilder, languages: list[str], source: str | None, target: str | None
) -> tuple[str | None, str | None]:
    """Fill in what the caller left open: a pair has a natural direction, a larger set has not."""
    if source is not None and target is not None:
        return source, target
    natural: Any = builder.info.supervised_keys
    if not natural or len(natural) != 2 or not set(natural) <= set(languages):
        natural = languages if len(languages) == 2 else (None, None)
    if source is None and target is None:
        return natural[0], natural[1]
    if len(languages) != 2:
        return source, target
    other = {languages[0]: languages[1], languages[1]: languages[0]}
    return source or other[str(target)], target or other[str(source)]


def _translation_feature(builder: tfds.core.DatasetBuilder) -> tuple[str | None, Any]:
    import tensorflow_datasets as tfds

    kinds = (tfds.features.Translation, tfds.features.TranslationVariableLanguages)
    features = builder.info.features
    if isinstance(features, kinds):
        return None, features
    found = [(key, feature) for key, feature in (features or {}).items() if isinstance(feature, kinds)]
    if len(found) != 1:
        has = ", ".join(f"{key}: {type(feature).__name__}" for key, feature in (features or {}).items())
        raise DataError(
            f"{builder.info.full_name} is not a translation data set: it needs one feature of the type "
            f"Translation and has {len(found)} ({has or 'no features'})."
        )
    return found[0]
