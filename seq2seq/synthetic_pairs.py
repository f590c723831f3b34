"""More training pairs, one side of which is what a machine makes of the other.

Back-translations: the target is genuine, another model says what its source might have been; the decoder
learns from clean text. The targets can be sentences that nobody translated (Sennrich, Haddow and Birch 2016,
"Improving neural machine translation models with monolingual data", section 3.2), or those of the training
split once more, which tells the encoder of a small corpus the same things in other words (Nguyen et al. 2020,
"Data diversification: a simple strategy for neural machine translation").

Forward translations: the source is genuine, and models of the same direction say what they make of it. What
they write is simpler than what people write, and more alike, which is easier to learn; several of them know
more together than the one that learns from them (Kim and Rush 2016, "Sequence-level knowledge distillation").
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.atomic import atomic_write
from data.cleaning import CleaningRules
from data.errors import UserError
from data.home import with_home
from data.pair_store import PairStore
from data.slow_progress import slow_progress
from data.text_lines import TextFile
from seq2seq.config import Config, ConfigError
from seq2seq.evaluated_system import fingerprint as model_fingerprint
from seq2seq.languages import language_name, primary_code
from seq2seq.line_progress import line_progress
from seq2seq.translated_lines import translated_lines

if TYPE_CHECKING:
    from data.corpora import Corpus
    from seq2seq.corpus_config import BackTranslationConfig, ForwardTranslationConfig
    from seq2seq.run_directory import RunDirectory

KINDS = {"back_translations": "back-translations", "forward_translations": "forward translations"}
"""By their key among the facts of a run, what they are called."""

_ORIGIN_FILE, _UNFINISHED = "made_of.json", "unfinished-"
_with_single_spaces = CleaningRules(white_space="collapse").normalise
_BATCH_SIZE = 128


@dataclass(frozen=True)
class SyntheticPairs:
    """Pairs of source and target in the order of the text that they were made of.

    Attributes:
        kind: one of `KINDS`.
        models: that made them, as the configuration has them.
        store: the pairs. With several translations of a text, first the best of all texts, then the second
            best of all, and so on.
        origin: digests of the text and of the models, and the search: what run.json says they were made of.
        n_best: how many translations each text has.
    """

    kind: str
    models: tuple[str, ...]
    store: PairStore
    origin: dict[str, Any]
    n_best: int = 1


def kept_by_rank(facts: dict[str, Any]) -> list[int]:
    """How many of the best, second best and further translations cleaning kept.

    Args:
        facts: of one of `KINDS`, as `run.json` has them. Where each text has one translation they say no more
            than how many there are.
    """
    return facts.get("kept_by_rank", [facts["kept"]])


def synthetic_pairs(run: RunDirectory, config: Config, corpus: Corpus) -> list[SyntheticPairs]:
    """Translate what the configuration asks for and keep the pairs with the run.

    Args:
        run: where they are kept. What an earlier start left there is used again if it was made of the same.
        config: of the training.
        corpus: of the training.

    Returns:
        Forward translations, then back-translations, each only if asked for.

    Raises:
        UserError: a model or a text cannot be read, or a model translates something else.
    """
    back, forward = config.data.back_translation, config.data.forward_translation
    plans = []
    if forward is not None:
        # Sources that are held out are the cleaning's to remove, as in the corpus itself.
        plans.append(_plan("forward_translations", forward, forward.models, run, corpus, held_out=set()))
    if back is not None:
        held_out = _held_out_targets(config, corpus)
        plans.append(
            _plan("back_translations", back, [back.model], run, corpus, held_out, n_best=back.n_best)
        )
    # All that can be wrong with models and texts is found before the first translates, which takes minutes.
    models = [_find_models(run, plan, config, corpus) for plan in plans]
    origins = [_origin(plan, of_plan, corpus) for plan, of_plan in zip(plans, models, strict=True)]
    return [_made(*all_of_it) for all_of_it in zip(plans, models, origins, strict=True)]


@dataclass(frozen=True)
class _Plan:
    """What is to be translated, by what, and where the pairs go.

    Attributes:
        option: the section of the configuration.
        key: what it calls its models.
        kind: see `SyntheticPairs`.
        names: of the models.
        beam_size: of the search.
        n_best: how many translations of each sentence are wanted.
        direction: source and target language of the models.
        folder: for the pairs.
        title: of the progress.
        text: the file to translate, or None for one side of the training split.
        sentences: gives what is to be translated, from its beginning.
        size: how many there are, where that is known.
        is_target: whether what is translated is the target of the pairs.
    """

    option: str
    key: str
    kind: str
    names: tuple[str, ...]
    beam_size: int
    n_best: int
    direction: tuple[str, str]
    folder: Path
    title: str
    text: str | None
    sentences: Callable[[], Iterator[str]]
    size: int | None
    is_target: bool


def _plan(
    kind: str,
    settings: BackTranslationConfig | ForwardTranslationConfig,
    names: Sequence[str],
    run: RunDirectory,
    corpus: Corpus,
    held_out: Collection[str],
    n_best: int = 1,
) -> _Plan:
    is_target = kind == "back_translations"
    languages = (corpus.source_language, corpus.target_language)

    def sentences() -> Iterator[str]:
        of_corpus = (pair[int(is_target)] for pair in corpus.train)
        texts = of_corpus if settings.text is None else _lines(settings.text)
        return (text for text in texts if _with_single_spaces(text) not in held_out)

    return _Plan(
        option="data.back_translation" if is_target else "data.forward_translation",
        key="model" if is_target else "models",
        kind=kind,
        names=tuple(names),
        beam_size=settings.beam_size,
        n_best=n_best,
        direction=languages[::-1] if is_target else languages,
        folder=run.back_translations_folder if is_target else run.forward_translations_folder,
        title="Translating back" if is_target else "Translating forward",
        text=settings.text,
        sentences=sentences,
        size=corpus.train.size if settings.text is None else None,
        is_target=is_target,
    )


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


def _lines(path: str) -> Iterator[str]:
    with TextFile(with_home(path)) as file:
        yield from file


def _origin(plan: _Plan, models: Sequence[RunDirectory], corpus: Corpus) -> dict[str, Any]:
    """What decides the pairs.

    Raises:
        ConfigError: there is nothing to translate.
    """
    digest, count = hashlib.sha256(), 0
    with slow_progress(f"Reading {plan.text or corpus.name}", unit="sentences") as report:
        for text in plan.sentences():
            digest.update(f"{text}\n".encode("utf-8", "surrogatepass"))
            if count % 4096 == 0:
                report("to translate", count, plan.size)
            count += 1
    if not count:
        raise ConfigError(
            f"{plan.option}.text: {plan.text or f'the training split of {corpus.name}'} has no sentence to "
            "translate: it is empty, or all of it is in validation or test (data.cleaning.held_out_overlap)"
        )
    fingerprints = [model_fingerprint(model) for model in models]
    origin = {"text": digest.hexdigest(), "models": fingerprints, "beam_size": plan.beam_size}
    return origin if plan.n_best == 1 else {**origin, "n_best": plan.n_best}


def _made(plan: _Plan, models: Sequence[RunDirectory], origin: dict[str, Any]) -> SyntheticPairs:
    if not _is_made_of(plan.folder, origin):
        # Named by what it is made of: another beam, tried by mistake, costs nothing of this one.
        name = hashlib.sha256(json.dumps(origin, sort_keys=True).encode()).hexdigest()[:12]

        def translated() -> Iterator[tuple[list[str], str]]:
            return translated_lines(
                plan.folder / f"{_UNFINISHED}{name}.jsonl",
                origin,
                plan.sentences(),
                lambda texts: _translations(models, plan.beam_size, plan.n_best, texts),
            )

        with line_progress(plan.title, plan.size) as advance:
            for _ in translated():
                advance()
        # All of it is in the file now, and only now what was here before is given up.
        (plan.folder / _ORIGIN_FILE).unlink(missing_ok=True)
        pairs = (
            (translations[place], text) if plan.is_target else (text, translations[place])
            for place in range(plan.n_best)
            for translations, text in translated()
        )
        PairStore.write(plan.folder, pairs)
        with atomic_write(plan.folder / _ORIGIN_FILE) as file:
            json.dump(origin, file, indent=1)
    for unfinished in plan.folder.glob(f"{_UNFINISHED}*"):
        unfinished.unlink()
    return SyntheticPairs(plan.kind, plan.names, PairStore(plan.folder), origin, plan.n_best)


def _is_made_of(folder: Path, origin: dict[str, Any]) -> bool:
    # The file is written last: where it is, the store is whole.
    file = folder / _ORIGIN_FILE
    try:
        return file.is_file() and json.loads(file.read_text(encoding="utf-8")) == origin
    except ValueError:
        return False


def _find_models(run: RunDirectory, plan: _Plan, config: Config, corpus: Corpus) -> list[RunDirectory]:
    from seq2seq.run_directory import check_same_tokenizers

    models = [_find_model(name, run, plan, config, corpus) for name in plan.names]
    try:
        check_same_tokenizers(models)
    except UserError as error:
        raise ConfigError(f"{plan.option}.{plan.key}: {error}") from error
    return models


def _find_model(
    name: str, training: RunDirectory, plan: _Plan, config: Config, corpus: Corpus
) -> RunDirectory:
    from seq2seq.model_summary import language_names
    from seq2seq.shipped_models import configured_model

    run = configured_model(name)
    if run.path.resolve() == training.path.resolve():
        raise ConfigError(
            f"{plan.option}.{plan.key}: {name} is the run that is to be trained; train in another directory "
            "(--run DIR)"
        )
    found = language_names(run.config, run.read_facts())
    run.check_is_trained()
    if [primary_code(each) for each in found] != [primary_code(each) for each in plan.direction]:
        side = "targets" if plan.is_target else "sources"
        back = " back" if plan.is_target else ""
        raise ConfigError(
            f"{plan.option}.{plan.key}: {name} translates {_direction(found)}; to translate the "
            f"{side} of {corpus.name}{back}, a model from {_direction(plan.direction)} is needed"
        )
    if run.config.evaluation.tokenized != config.evaluation.tokenized:
        raise ConfigError(
            f"{plan.option}.{plan.key}: {name} was trained on {run.config.evaluation.text_form} text, and "
            f"this is a training on {config.evaluation.text_form} text (evaluation.tokenized)"
        )
    return run


def _direction(languages: tuple[str, str]) -> str:
    return " to ".join(map(language_name, languages))


def _translations(
    models: Sequence[RunDirectory], beam_size: int, n_best: int, texts: Iterator[str]
) -> Iterator[list[str]]:
    """The best `n_best` of each text. One that is not of the whole text, or has no end, is left empty for
    cleaning to count, and so is what a beam did not find."""
    from seq2seq.translator import Translator

    translator = Translator.load(models)
    options = translator.default_options(beam_size=beam_size, n_best=n_best)
    to_translate, given = itertools.tee(texts)
    translations = translator.translate_stream(to_translate, options, batch_size=_BATCH_SIZE)
    for text, translation in zip(given, translations, strict=True):
        is_whole = translation.source.text == text
        found = [each.text if each.finished and is_whole else "" for each in translation.hypotheses]
        yield [*found, *[""] * (n_best - len(found))]
