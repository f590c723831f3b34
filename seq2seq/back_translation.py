"""More training pairs: text of the target language that another model translates back.

The source of such a pair was made by a machine, its target is genuine: the decoder learns from clean text.
The targets can be sentences that nobody translated (Sennrich, Haddow and Birch 2016, "Improving neural
machine translation models with monolingual data", section 3.2), or those of the training split once more,
which tells the encoder of a small corpus the same things in other words (Nguyen et al. 2020, "Data
diversification: a simple strategy for neural machine translation").
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from data.pair_store import NoPairsError, PairStore
from data.text_lines import TextFile
from seq2seq.config import Config, ConfigError
from seq2seq.languages import language_name, primary_code

if TYPE_CHECKING:
    from data.corpora import Corpus
    from seq2seq.corpus_config import BackTranslationConfig
    from seq2seq.run_directory import RunDirectory
    from seq2seq.translator import Translator

_BATCH_SIZE = 128


def back_translated_pairs(run: RunDirectory, config: Config, corpus: Corpus) -> PairStore | None:
    """Translate the target language's text back and keep the pairs with the run.

    Args:
        run: where they are kept.
        config: of the training.
        corpus: of the training.

    Returns:
        Pairs of a back-translation and the text that it was made of, in the order of the text; None where
        the configuration asks for none.

    Raises:
        UserError: the model or the text cannot be read, or the model translates something else.
    """
    settings = config.data.back_translation
    if settings is None:
        return None
    with _targets(settings, corpus) as targets:
        translator = _load_translator(settings, config, corpus)
        count = corpus.train.size if settings.text is None else None
        pairs = _translated_back(translator, settings, targets, count)
        try:
            return PairStore.write(run.back_translations_folder, pairs)
        except NoPairsError as error:
            raise ConfigError(
                f"data.back_translation.text: {settings.text} is empty; expected a sentence on each line"
            ) from error


@contextmanager
def _targets(settings: BackTranslationConfig, corpus: Corpus) -> Iterator[Iterable[str]]:
    """The sentences to translate back; a file that cannot be read is told before a model is loaded."""
    if settings.text is None:
        yield (target for _, target in corpus.train)
    else:
        with TextFile(Path(settings.text)) as file:
            yield file


def _load_translator(settings: BackTranslationConfig, config: Config, corpus: Corpus) -> Translator:
    from seq2seq.model_summary import language_names
    from seq2seq.shipped_models import find_model
    from seq2seq.translator import Translator

    run = find_model(settings.model)
    found = language_names(run.config, run.read_facts())
    wanted = (corpus.target_language, corpus.source_language)
    if [primary_code(each) for each in found] != [primary_code(each) for each in wanted]:
        raise ConfigError(
            f"data.back_translation.model: {settings.model} translates {_direction(found)}; to translate the "
            f"targets of {corpus.name} back, a model from {_direction(wanted)} is needed"
        )
    if run.config.evaluation.tokenized != config.evaluation.tokenized:
        forms = {True: "tokenised", False: "raw"}
        raise ConfigError(
            f"data.back_translation.model: {settings.model} was trained on "
            f"{forms[run.config.evaluation.tokenized]} text, and this is a training on "
            f"{forms[config.evaluation.tokenized]} text (evaluation.tokenized)"
        )
    return Translator.load(run)


def _direction(languages: tuple[str, str]) -> str:
    return " to ".join(map(language_name, languages))


def _translated_back(
    translator: Translator, settings: BackTranslationConfig, targets: Iterable[str], count: int | None
) -> Iterator[tuple[str, str]]:
    """Pairs of a back-translation and the text it was made of; empty lines stay for cleaning to count."""
    from seq2seq.line_progress import line_progress

    options = translator.default_options(beam_size=settings.beam_size)
    waiting: deque[str] = deque()

    def remembered() -> Iterator[str]:
        for target in targets:
            waiting.append(target)
            yield target

    with line_progress("Translating back", count) as advance:
        for translation in translator.translate_stream(remembered(), options, batch_size=_BATCH_SIZE):
            advance()
            yield translation.text, waiting.popleft()
