"""From the configuration's `data` section to a corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seq2seq.config import ConfigError
from seq2seq.corpus_config import DataConfig, StarterCorpusConfig, TextCorpusConfig, TfdsCorpusConfig

if TYPE_CHECKING:
    from data.corpora import Corpus


def load_corpus(config: DataConfig, mirror: str | None = None) -> Corpus:
    """Load the corpus that a configuration names.

    Args:
        config: the `data` section.
        mirror: folder or base URL in place of the configured one (or of the original host).

    Raises:
        DataError: the corpus cannot be had or is not what it should be.
        ConfigError: the languages are missing or do not fit the corpus, or it has no use for a mirror.
    """
    corpus = config.corpus
    if mirror is not None and not isinstance(corpus, TfdsCorpusConfig):
        raise ConfigError(
            f"--mirror {mirror}: it replaces the host of a data set that is downloaded, but this "
            f"configuration's corpus ({corpus.kind}) is not. Leave it out."
        )
    if isinstance(corpus, StarterCorpusConfig):
        from data.starter import load_starter_corpus

        if (config.source_language or "en", config.target_language or "fr") != ("en", "fr"):
            raise ConfigError(
                "data: the starter corpus is English to French: leave out source_language and "
                f"target_language, or set en and fr "
                f"(received: {config.source_language} and {config.target_language})"
            )
        return load_starter_corpus(
            train_pairs=corpus.train_pairs,
            validation_pairs=corpus.validation_pairs,
            test_pairs=corpus.test_pairs,
            seed=corpus.seed,
        )
    if isinstance(corpus, TextCorpusConfig):
        from data.text_files import load_text_corpus

        if not config.source_language or not config.target_language:
            raise ConfigError(
                "data: text files do not say their languages: set source_language and target_language"
            )
        return load_text_corpus(
            source_language=config.source_language,
            target_language=config.target_language,
            train=corpus.train.paths(),
            validation=corpus.validation.paths(),
            test={name: split.paths() for name, split in corpus.test.items()},
        )
    from data.corpora import load_tfds_corpus

    return load_tfds_corpus(
        corpus.name,
        source_language=config.source_language,
        target_language=config.target_language,
        train=corpus.train,
        validation=corpus.validation,
        test=tuple(corpus.test),
        data_dir=corpus.data_dir,
        mirror=mirror or corpus.mirror,
    )
