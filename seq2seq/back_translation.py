"""More training pairs: text of the target language that another model translates back.

The source of such a pair was made by a machine, its target is genuine: the decoder learns from clean text.
The targets can be sentences that nobody translated (Sennrich, Haddow and Birch 2016, "Improving neural
machine translation models with monolingual data", section 3.2), or those of the training split once more,
which tells the encoder of a small corpus the same things in other words (Nguyen et al. 2020, "Data
diversification: a simple strategy for neural machine translation").
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.atomic import atomic_write
from data.cleaning import CleaningRules
from data.home import with_home
from data.pair_store import NoPairsError, PairStore
from data.text_lines import TextFile
from seq2seq.config import Config, ConfigError
from seq2seq.evaluated_system import fingerprint as model_fingerprint
from seq2seq.languages import language_name, primary_code
from seq2seq.translated_lines import translated_lines

if TYPE_CHECKING:
    from data.corpora import Corpus
    from seq2seq.corpus_config import BackTranslationConfig
    from seq2seq.run_directory import RunDirectory

_ORIGIN_FILE, _UNFINISHED_FILE = "made_of.json", "unfinished.jsonl"
_with_single_spaces = CleaningRules(white_space="collapse").normalise
_BATCH_SIZE = 128


def back_translated_pairs(run: RunDirectory, config: Config, corpus: Corpus) -> PairStore | None:
    """Translate the target language's text back and keep the pairs with the run.

    Args:
        run: where they are kept. What an earlier start left there is used again if it was made of the same.
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
    model = _find_model(settings, config, corpus)
    held_out = _held_out_targets(config, corpus)
    origin = {
        "text": _digest(_targets(settings, corpus, held_out)),
        "model": model_fingerprint(model),
        "beam_size": settings.beam_size,
    }
    folder = run.back_translations_folder
    if not _is_made_of(folder, origin):
        (folder / _ORIGIN_FILE).unlink(missing_ok=True)
        pairs = _counted(
            translated_lines(
                folder / _UNFINISHED_FILE,
                origin,
                _targets(settings, corpus, held_out),
                lambda targets: _translated_back(model, settings, targets),
            ),
            corpus.train.size if settings.text is None else None,
        )
        try:
            PairStore.write(folder, pairs)
        except NoPairsError as error:
            raise ConfigError(
                f"data.back_translation.text: {settings.text} is empty; expected a sentence on each line"
            ) from error
        with atomic_write(folder / _ORIGIN_FILE) as file:
            json.dump(origin, file, indent=1)
        (folder / _UNFINISHED_FILE).unlink()
    return PairStore(folder)


def _held_out_targets(config: Config, corpus: Corpus) -> set[str]:
    """What must not be translated back, where cleaning removes training pairs whose source is held out.

    Their targets would bring them in again in other words.
    """
    if config.data.cleaning.held_out_overlap != "remove":
        return set()
    return {
        _with_single_spaces(target)
        for split in (corpus.validation, *corpus.test.values())
        for _, target in split
    }


def _targets(settings: BackTranslationConfig, corpus: Corpus, held_out: set[str]) -> Iterator[str]:
    """The sentences to translate back."""
    if settings.text is None:
        yield from (target for _, target in corpus.train if _with_single_spaces(target) not in held_out)
        return
    with TextFile(with_home(settings.text)) as file:
        yield from (line for line in file if _with_single_spaces(line) not in held_out)


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f"{text}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _is_made_of(folder: Path, origin: dict[str, Any]) -> bool:
    # The file is written last: where it is, the store is whole.
    file = folder / _ORIGIN_FILE
    try:
        return file.is_file() and json.loads(file.read_text(encoding="utf-8")) == origin
    except ValueError:
        return False


def _find_model(settings: BackTranslationConfig, config: Config, corpus: Corpus) -> RunDirectory:
    from seq2seq.model_summary import language_names
    from seq2seq.shipped_models import find_model

    run = find_model(settings.model)
    found = language_names(run.config, run.read_facts())
    run.check_is_trained()
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
    return run


def _direction(languages: tuple[str, str]) -> str:
    return " to ".join(map(language_name, languages))


def _translated_back(
    model: RunDirectory, settings: BackTranslationConfig, targets: Iterator[str]
) -> Iterator[str]:
    """A translation that is not of the whole text, or has no end, is left empty for cleaning to count."""
    from seq2seq.translator import Translator

    translator = Translator.load(model)
    options = translator.default_options(beam_size=settings.beam_size)
    for translation in translator.translate_stream(targets, options, batch_size=_BATCH_SIZE):
        yield "" if translation.note else translation.text


def _counted(pairs: Iterator[tuple[str, str]], total: int | None) -> Iterator[tuple[str, str]]:
    from seq2seq.line_progress import line_progress

    with line_progress("Translating back", total) as advance:
        for pair in pairs:
            advance()
            yield pair
