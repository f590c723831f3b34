"""From a corpus to the batches of a run: clean, tokenise, store, check that they belong together."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from data.atomic import atomic_write
from data.careless_typing import CarelessTyping
from data.cleaning import Cleaner, CleaningRules
from data.corpora import Corpus, Split
from data.errors import UserError
from data.home import with_home
from data.pair_alignments import PairAlignments
from data.pair_store import NoPairsError, PairStore
from data.pipeline import BatchPipeline
from data.slow_progress import slow_progress
from data.tokenizer import TokenizerPair, train_tokenizers
from seq2seq.config import Config, ConfigError, TokenizerConfig
from seq2seq.corpus_loading import load_corpus
from seq2seq.guided_attention_data import check_given_alignments, note_kept_pairs, training_alignments
from seq2seq.languages import primary_code
from seq2seq.run_directory import RunDirectory
from seq2seq.starting_model import starting_tokenizers
from seq2seq.synthetic_pairs import KINDS, SyntheticPairs, kept_by_rank, synthetic_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Console


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """What a training reads.

    Attributes:
        tokenizers: of both sides.
        train: batches of the cleaned training pairs, shuffled anew each epoch.
        validation: batches of the whole validation split, in order of length.
        validation_store: the validation pairs as text.
        target_language: its code, such as "en".
        alignments: of the training pairs, where attention is guided by them.
    """

    tokenizers: TokenizerPair
    train: BatchPipeline
    validation: BatchPipeline
    validation_store: PairStore
    target_language: str
    alignments: PairAlignments | None = None


def prepare_training_data(
    run: RunDirectory, config: Config, mirror: str | None, console: Console
) -> TrainingData:
    """Build a new run's data: the cleaned pairs and the tokenizer are written into the run directory.

    Args:
        run: an existing directory.
        config: the run's configuration.
        mirror: see `load_corpus`.
        console: where the tables go.

    Raises:
        UserError: anything about the corpus or the tokenizer that is not as it should be.
    """
    corpus = load_corpus(config.data, mirror)
    # What is given is looked at before cleaning, and before other models translate, which can take hours.
    given = _given_tokenizers(config)
    check_given_alignments(config)
    fingerprints = _Fingerprints()
    cleaner = Cleaner(
        CleaningRules(**config.data.cleaning.model_dump()), {"validation": corpus.validation, **corpus.test}
    )
    made = synthetic_pairs(run, config, corpus)
    train_pairs = fingerprints.pass_through("train", corpus.train)
    train_store, kept = _clean_training_pairs(run, config, corpus, train_pairs, made, cleaner, console)
    validation_store = PairStore.write(
        run.data_folder / "validation", fingerprints.pass_through("validation", corpus.validation)
    )
    cleaner.report.print_table(console)
    with atomic_write(run.cleaning_file) as file:
        json.dump(cleaner.report.to_dict(), file, indent=2)
    for pairs, counts in zip(made, kept[1:], strict=True):
        _note_synthetic_pairs(run, pairs, counts, console)
    # What a machine wrote is not what a vocabulary should be made of.
    tokenizers = given or _make_tokenizers(config, itertools.islice(train_store, kept[0][0]))
    tokenizers.save(run.tokenizer_folder)
    data = _open_pipelines(run, config, corpus, tokenizers, train_store, validation_store)
    run.write_facts(
        corpus=corpus.name,
        source_language=corpus.source_language,
        target_language=corpus.target_language,
        licence=corpus.licence,
        corpus_fingerprints=fingerprints.digests(),
        train_fingerprint=train_store.fingerprint,
        validation_fingerprint=validation_store.fingerprint,
        tokenizer_fingerprint=tokenizers.fingerprint,
        train_pairs=len(train_store),
        validation_pairs=len(validation_store),
    )
    if data.alignments is not None:
        run.write_facts(alignments_fingerprint=data.alignments.fingerprint)
    return data


def reopen_training_data(run: RunDirectory, config: Config, mirror: str | None) -> TrainingData:
    """The data of a run that is to be resumed.

    Raises:
        UserError: corpus or tokenizer are no longer those the run was started with; says what differs.
    """
    facts = run.read_facts()
    corpus = load_corpus(config.data, mirror)
    digests = corpus_fingerprints(corpus)
    tokenizers = run.tokenizers
    stores = {name: PairStore(run.data_folder / name) for name in ("train", "validation")}
    found = {
        **{f"{name} split of {corpus.name}": digest for name, digest in digests.items()},
        "stored training pairs": stores["train"].fingerprint,
        "stored validation pairs": stores["validation"].fingerprint,
        "tokenizer": tokenizers.fingerprint,
    }
    expected = {
        **{f"{name} split of {corpus.name}": facts["corpus_fingerprints"].get(name) for name in digests},
        "stored training pairs": facts["train_fingerprint"],
        "stored validation pairs": facts["validation_fingerprint"],
        "tokenizer": facts["tokenizer_fingerprint"],
    }
    changed = [
        f"  {name}: {str(expected[name])[:12]} -> {found[name][:12]}"
        for name in found
        if found[name] != expected[name]
    ]
    if changed:
        raise UserError(
            f"{run.path} cannot be resumed: not everything is as it was at its start (SHA-256 then -> now):\n"
            + "\n".join(changed)
            + "\nBring the old files back, or start a new run in another directory (--run DIR)."
        )
    data = _open_pipelines(run, config, corpus, tokenizers, stores["train"], stores["validation"])
    aligned_then = facts.get("alignments_fingerprint")
    if data.alignments is not None and data.alignments.fingerprint != aligned_then:
        raise UserError(
            f"{run.path} cannot be resumed: the word alignments that guide its attention are not those of "
            f"its start (SHA-256 then -> now): {str(aligned_then)[:12]} -> "
            f"{data.alignments.fingerprint[:12]}. "
            f"Bring {run.alignments_file} back, or start a new run in another directory (--run DIR)."
        )
    return data


def corpus_fingerprints(corpus: Corpus) -> dict[str, str]:
    """SHA-256 over the texts of the training and of the validation split, as they come from the corpus."""
    fingerprints = _Fingerprints()
    with slow_progress(f"Checking {corpus.name}", unit="pairs") as report:
        for name, split in (("train", corpus.train), ("validation", corpus.validation)):
            for _ in _counted(name, fingerprints.pass_through(name, split), split.size, report):
                pass
    return fingerprints.digests()


def _clean_training_pairs(
    run: RunDirectory,
    config: Config,
    corpus: Corpus,
    train_pairs: Iterator[tuple[str, str]],
    made: Sequence[SyntheticPairs],
    cleaner: Cleaner,
    console: Console,
) -> tuple[PairStore, list[list[int]]]:
    """Store what cleaning keeps of the training split and, behind it, of what machines made.

    Returns:
        The store, and how many of its pairs are from the training split, as a list of one, and from the best,
        second best and further translations of each kind of the others.
    """
    judged: list[NDArray[np.bool_]] = []
    with slow_progress(f"Cleaning {corpus.name}", unit="pairs") as report:
        counted = _counted("train", train_pairs, corpus.train.size, report)
        pairs = itertools.chain(counted, *(each.store for each in made))
        try:
            store = PairStore.write(run.data_folder / "train", cleaner.clean(pairs, judged.append))
        except NoPairsError as error:
            if not cleaner.report.train.total:
                raise
            cleaner.report.print_table(console)
            raise _nothing_left(corpus) from error
    is_kept = np.concatenate(judged)
    sizes = [len(each.store) for each in made]
    begins = np.cumsum([len(is_kept) - sum(sizes), *sizes])[:-1]
    ranks = [1, *(each.n_best for each in made)]
    kept = [
        np.count_nonzero(part.reshape(count, -1), axis=1).tolist()
        for part, count in zip(np.split(is_kept, begins), ranks, strict=True)
    ]
    if not kept[0][0]:
        cleaner.report.print_table(console)
        raise _nothing_left(corpus)
    note_kept_pairs(run, config, is_kept)
    return store, kept


def _nothing_left(corpus: Corpus) -> UserError:
    return UserError(
        f"{corpus.name}: cleaning left none of its training pairs; the table above says why. "
        "The rules are data.cleaning in the configuration (docs/configuration.md)."
    )


def _note_synthetic_pairs(
    run: RunDirectory, pairs: SyntheticPairs, kept: list[int], console: Console
) -> None:
    in_turn = f", in turn {' or '.join(f'{each:,}' for each in kept)} an epoch" if len(kept) > 1 else ""
    console.print(
        f"{KINDS[pairs.kind].capitalize()} by {' + '.join(pairs.models)}: {len(pairs.store):,} made, "
        f"{sum(kept):,} kept{in_turn} (in the table above they follow the corpus' own pairs).",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    facts = {"made": len(pairs.store), "kept": sum(kept), "made_of": pairs.origin}
    run.write_facts(**{pairs.kind: facts if len(kept) == 1 else {**facts, "kept_by_rank": kept}})


def _open_pipelines(
    run: RunDirectory,
    config: Config,
    corpus: Corpus,
    tokenizers: TokenizerPair,
    train_store: PairStore,
    validation_store: PairStore,
) -> TrainingData:
    batches, added = config.batches, config.data.back_translation
    # Back-translations stand last, so that later epochs can do without them.
    in_turn = [] if added is None else kept_by_rank(run.read_facts()["back_translations"])
    with slow_progress("Tokenising", unit="pairs") as report:
        train = BatchPipeline(
            train_store,
            tokenizers,
            batch_size=batches.batch_size,
            tokens_per_batch=batches.tokens_per_batch,
            max_length=batches.max_length,
            max_shapes=batches.max_shapes,
            seed=config.seed,
            sampling_alpha=config.tokenizer.sampling_alpha,
            careless_typing=careless_typing(config, corpus.source_language),
            in_turn=in_turn,
            turn_epochs=None if added is None else added.until_epoch,
            progress=lambda done, total: report("train", done, total),
        )
    # Computed now, not at the first batch: a corpus without any usable pair is an error to meet here.
    _ = train.shape_grid
    validation = BatchPipeline(
        validation_store,
        tokenizers,
        batch_size=64,
        max_length=batches.max_length,
        too_long="cut",
        shuffle=False,
        max_shapes=batches.max_shapes,
    )
    alignments = training_alignments(run, config, tokenizers, train_store)
    return TrainingData(tokenizers, train, validation, validation_store, corpus.target_language, alignments)


def careless_typing(config: Config, source_language: str) -> CarelessTyping | None:
    """Of the sources, as the configuration wants it; None: there is none."""
    share = config.data.careless_typing
    return CarelessTyping(share, primary_code(source_language)) if share > 0 else None


def _given_tokenizers(config: Config) -> TokenizerPair | None:
    """Those of another model or of a folder; None where they are to be made of the corpus."""
    folder = config.tokenizer.folder
    if folder is None:
        return starting_tokenizers(config)
    tokenizers = TokenizerPair.load(with_home(folder))
    if config.model.tied_embeddings == "three-way" and not tokenizers.joint:
        raise ConfigError(
            f"tokenizer.folder: {folder} holds separate vocabularies, but "
            "model.tied_embeddings: three-way needs one for both languages (joint.model)"
        )
    return tokenizers


def _make_tokenizers(config: Config, pairs: Iterator[tuple[str, str]]) -> TokenizerPair:
    settings: TokenizerConfig = config.tokenizer
    size: int | tuple[int, int] = settings.vocabulary_size
    if not settings.joint:
        size = (settings.vocabulary_size, settings.target_vocabulary_size or settings.vocabulary_size)
    return train_tokenizers(
        pairs,
        joint=settings.joint,
        vocabulary_size=size,
        model_type=settings.model_type,
        character_coverage=settings.character_coverage,
        normalization=settings.normalization,
        seed=config.seed,
        max_training_sentences=settings.max_training_sentences,
    )


def _counted(
    name: str,
    pairs: Iterator[tuple[str, str]],
    size: int | None,
    report: Callable[[str, int, int | None], None],
) -> Iterator[tuple[str, str]]:
    for number, pair in enumerate(pairs):
        if number % 4096 == 0:
            report(name, number, size)
        yield pair


class _Fingerprints:
    """SHA-256 of streams of pairs, computed while somebody else reads them."""

    def __init__(self) -> None:
        self._hashes: dict[str, hashlib._Hash] = {}

    def pass_through(self, name: str, split: Split) -> Iterator[tuple[str, str]]:
        digest = self._hashes[name] = hashlib.sha256()
        for source, target in split:
            # Neither separator can be part of a line.
            digest.update(f"{source}\n{target}\n".encode("utf-8", "surrogatepass"))
            yield source, target

    def digests(self) -> dict[str, str]:
        return {name: digest.hexdigest() for name, digest in self._hashes.items()}
