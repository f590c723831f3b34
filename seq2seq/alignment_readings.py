"""Gold word alignment against several ways to read attention, and against what knows no attention.

The references are forced, as for the alignment error rate of an evaluation. Each reading gets a score over
the whole set: argmax, threshold and intersection of one model; its rows read one step too early and too late,
which settles which row belongs to which word; its posterior attention, which knows the word that was written;
with a model of the other direction the two together; the diagonal; and a statistical aligner.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from data.symmetrisation import SYMMETRISATIONS
from data.words import word_spans
from seq2seq.alignment import AlignmentMethod, Link, PharaohLine, alignment_error_rate
from seq2seq.gold_alignment import predicted_gold_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from data.pair_store import PairStore
    from seq2seq.evaluation import EvaluationOptions, EvaluationSet, SentenceTranslator
    from seq2seq.translation import Translation

    Posterior = Callable[[Sequence[Translation]], Sequence[Translation]]

Links = frozenset[Link]
Reading = dict[str, list[Links]]

_METHODS: tuple[AlignmentMethod, ...] = ("argmax", "threshold", "intersection")
# How many steps later than it was written a word's row is read.
_STEPS = {"argmax, one step earlier": -1, "argmax, one step later": 1}


def alignment_readings(
    translator: SentenceTranslator,
    evaluation_set: EvaluationSet,
    options: EvaluationOptions,
    *,
    posterior: Posterior | None = None,
    backward: SentenceTranslator | None = None,
    posterior_backward: Posterior | None = None,
    aligner_pairs: Sequence[tuple[str, str]] | None = None,
) -> list[dict[str, Any]]:
    """Score every reading of a set that has gold alignment.

    Args:
        translator: of the model.
        evaluation_set: with `gold`.
        options: for `word_mode` and the batch size.
        posterior: gives translations of the model their posterior attention, see
            `seq2seq.posterior_attention`; None: no such readings.
        backward: of a model that translates the targets back; None: no readings of two directions.
        posterior_backward: as `posterior`, of the model back.
        aligner_pairs: pairs of text to train a statistical aligner on, the set's own beside them; None: no
            statistical aligner.

    Returns:
        One row for each reading: `reading`, and the fields of `seq2seq.alignment.AlignmentScore`.

    Raises:
        ValueError: the set has no gold alignment.
    """
    if evaluation_set.gold is None:
        raise ValueError(f"{evaluation_set.name} has no gold alignment")
    pairs = list(zip(evaluation_set.sources, evaluation_set.first_references, strict=True))
    turned_pairs = [(target, source) for source, target in pairs]
    word_mode = options.word_mode
    word_counts = [
        (len(word_spans(source, word_mode)), len(word_spans(target, word_mode))) for source, target in pairs
    ]
    forward = list(_forced(translator, pairs, options))
    back = None if backward is None else list(_forced(backward, turned_pairs, options))
    read = attention_readings(forward, back, word_counts, word_mode)
    for name, steps in _STEPS.items():
        read[name] = _read([_shifted(each, steps) for each in forward], "argmax", word_mode)
    if posterior is not None:
        turned_back = None if back is None or posterior_backward is None else posterior_backward(back)
        of_posterior = attention_readings(posterior(forward), turned_back, word_counts, word_mode)
        read.update({f"posterior, {name}": links for name, links in of_posterior.items()})
    read["diagonal"] = [links_on_the_diagonal(*counts) for counts in word_counts]
    if aligner_pairs is not None:
        read.update(statistical_readings(aligner_pairs, pairs, word_mode))
    return score_readings(read, evaluation_set.gold)


def attention_readings(
    forward: Sequence[Translation],
    back: Sequence[Translation] | None,
    word_counts: Sequence[tuple[int, int]],
    word_mode: str,
) -> Reading:
    """What is read from the attention of one model, and from that of two.

    Args:
        forward: the forced targets.
        back: the forced sources, by a model of the other direction; None: there is none.
        word_counts: source and target words of each pair.
        word_mode: see `data.words.word_spans`.
    """
    read: Reading = {method: _read(forward, method, word_mode) for method in _METHODS}
    if back is None:
        return read
    links_back = [_turned(links) for links in _read(back, "argmax", word_mode)]
    read["argmax of the model back"] = links_back
    for name, combine in SYMMETRISATIONS.items():
        read[f"both models, {name}"] = [
            combined_links(combine, one, other, counts)
            for one, other, counts in zip(read["argmax"], links_back, word_counts, strict=True)
        ]
    return read


def _read(translations: Sequence[Translation], method: AlignmentMethod, word_mode: str) -> list[Links]:
    return [predicted_gold_words(each, method, word_mode) or frozenset() for each in translations]


def score_readings(read: Reading, gold: Sequence[PharaohLine]) -> list[dict[str, Any]]:
    """One row for each reading: `reading`, and the fields of `seq2seq.alignment.AlignmentScore`."""
    sure, possible = [line.sure for line in gold], [line.possible for line in gold]
    return [
        {"reading": name, **asdict(alignment_error_rate(links, sure, possible))}
        for name, links in read.items()
    ]


def statistical_readings(
    training: Sequence[tuple[str, str]], pairs: Sequence[tuple[str, str]], word_mode: str
) -> Reading:
    """`statistical_links` under the names that they have among other readings."""
    links = statistical_links(training, pairs, word_mode)
    return {f"statistical aligner, {method}": each for method, each in links.items()}


def statistical_links(
    training: Sequence[tuple[str, str]], pairs: Sequence[tuple[str, str]], word_mode: str
) -> Reading:
    """Links of `pairs`, by method of symmetrisation.

    They are from an aligner that is trained on them and on `training`, without any gold.
    """
    from data.slow_progress import slow_progress
    from data.word_aligner import train_aligner
    from data.word_places import word_ids

    together = [*training, *pairs]

    def ids(side: int) -> Any:
        texts = (pair[side] for pair in together)
        return word_ids([text[begin:end] for begin, end in word_spans(text, word_mode)] for text in texts)

    source_ids, target_ids = ids(0), ids(1)
    with slow_progress("Statistical aligner", unit="rounds") as report:
        aligner = train_aligner(
            source_ids, target_ids, progress=lambda done, total: report("training", done, total)
        )
    own = np.arange(len(training), len(together))
    source_ids, target_ids = source_ids.take(own), target_ids.take(own)
    return {method: aligner.align_rows(source_ids, target_ids, method) for method in SYMMETRISATIONS}


def stored_pairs(store: PairStore) -> list[tuple[str, str]]:
    """All pairs of a store."""
    return store.read(range(len(store)))


def _forced(
    translator: SentenceTranslator, pairs: Sequence[tuple[str, str]], options: EvaluationOptions
) -> Iterator[Translation]:
    return translator.score_stream(
        pairs,
        options.search,
        word_mode=options.word_mode,
        batch_size=options.batch_size,
        window=8 * options.batch_size,
    )


def _shifted(translation: Translation, steps: int) -> Translation:
    """Each token with the attention of the step that many later; none where there is no such step."""
    if translation.best is None:
        return translation
    attention = np.zeros_like(translation.best.attention)  # (tokens, source pieces + 1)
    if steps > 0:
        attention[:-steps] = translation.best.attention[steps:]
    else:
        attention[-steps:] = translation.best.attention[:steps]
    return replace(translation, hypotheses=(replace(translation.best, attention=attention),))


def _turned(links: Links) -> Links:
    return frozenset((source, target) for target, source in links)


def combined_links(
    combine: Callable[[np.ndarray, np.ndarray], np.ndarray], one: Links, other: Links, counts: tuple[int, int]
) -> Links:
    """Two readings of a pair as one, by a method of `data.symmetrisation`.

    Args:
        combine: the method.
        one: from the direction that writes the target.
        other: from the direction that writes the source.
        counts: source and target words of the pair.
    """
    matrices = np.zeros((2, counts[1], counts[0]), np.bool_)
    for matrix, links in zip(matrices, (one, other), strict=True):
        for source, target in links:
            matrix[target, source] = True
    return frozenset((source, target) for target, source in np.argwhere(combine(*matrices)).tolist())


def links_on_the_diagonal(source_words: int, target_words: int) -> Links:
    """Each target word to the source word at the same share of the sentence."""
    if not source_words:
        return frozenset()
    return frozenset(
        (min(int((target + 0.5) * source_words / target_words), source_words - 1), target)
        for target in range(target_words)
    )
