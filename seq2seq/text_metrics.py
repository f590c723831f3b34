"""How near translations come to their references: BLEU, chrF, TER (sacrebleu), ROUGE (rouge-score), equality.

BLEU, chrF and TER of a set are computed from counts summed over the set; they are not means over sentences.
ROUGE, which is defined for one text, is a mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from data.errors import UserError
from data.words import word_spans
from seq2seq.languages import primary_code

ROUGE_KINDS = {"rouge1": "rouge_1", "rouge2": "rouge_2", "rougeL": "rouge_l"}
BLEU_TOKENIZERS = ("13a", "intl", "zh", "char", "none")

# Scripts without spaces: the 13a rules would take a whole sentence for one word.
_BLEU_TOKENIZER_OF_LANGUAGE = {"zh": "zh", **dict.fromkeys(("ja", "th", "lo", "km", "my"), "char")}


# Those of BLEU's tokenizers that find words where there are no spaces.
_SPLITTING = ("zh", "char")


def bleu_tokenizer_for(language: str | None, *, is_tokenized: bool = False) -> str:
    """The sacrebleu tokenizer that suits a target language: `13a`, sacrebleu's own default, for most.

    Args:
        language: its code, such as "en" or "zh-CN"; None: unknown.
        is_tokenized: the corpus is tokenised already: its words are taken as they are.
    """
    if is_tokenized:
        return "none"
    return _BLEU_TOKENIZER_OF_LANGUAGE.get(primary_code(language or ""), "13a")


@dataclass(frozen=True)
class SentenceScores:
    """One translation against its references.

    Attributes:
        bleu: sentence-level BLEU, 0 to 100: smoothed, and of the n-gram orders that the translation has.
        chrf: sentence-level chrF, 0 to 100.
        ter_edits: the edits that TER counts.
        ter_reference_words: mean length of the references in TER's words.
        rouge: F-measures from 0 to 1 by the names in `ROUGE_KINDS.values()`; the best over the references.
        exact: equal to a reference, but for white space at the ends.
    """

    bleu: float
    chrf: float
    ter_edits: float
    ter_reference_words: float
    rouge: dict[str, float]
    exact: bool


class TextScorer:
    """Scores translations, one by one and together.

    Args:
        bleu_tokenizer: how sacrebleu finds words for BLEU: one of `BLEU_TOKENIZERS`.
        paper_form: brings a text into the form that papers score (see `paper_convention.py`), for a second
            BLEU with `--tokenize none`; None: there is no second BLEU.

    Raises:
        UserError: the tokenizer is unknown.
    """

    def __init__(self, bleu_tokenizer: str = "13a", paper_form: Callable[[str], str] | None = None) -> None:
        from rouge_score.rouge_scorer import RougeScorer
        from sacrebleu.metrics import BLEU, CHRF, TER

        if bleu_tokenizer not in BLEU_TOKENIZERS:
            raise UserError(
                f"unknown tokenizer for BLEU: {bleu_tokenizer!r}; known: {', '.join(BLEU_TOKENIZERS)}"
            )
        # `force` keeps sacrebleu from warning about text that looks tokenised; a corpus may well be.
        self.bleu_tokenizer = bleu_tokenizer
        self._bleu = BLEU(tokenize=bleu_tokenizer, force=True)
        # A short sentence has no four words in a row: only the orders that it has may count.
        self._sentence_bleu = BLEU(tokenize=bleu_tokenizer, force=True, effective_order=True)
        self._paper_bleu = BLEU(tokenize="none", force=True)
        self._chrf = CHRF()
        self._ter = TER()
        self._rouge = RougeScorer(list(ROUGE_KINDS), tokenizer=_UnicodeWords())
        self._paper_form = paper_form

    def in_paper_form(self, text: str) -> str | None:
        """The text as the second BLEU counts it; None when there is no second BLEU."""
        return None if self._paper_form is None else self._paper_form(text)

    def sentence(self, hypothesis: str, references: Sequence[str]) -> SentenceScores:
        """Score one translation against one reference or more."""
        ter = self._ter.sentence_score(
            self._ter_words(hypothesis), [self._ter_words(reference) for reference in references]
        )
        rouge = self._rouge.score_multi(references, hypothesis)
        return SentenceScores(
            bleu=float(self._sentence_bleu.sentence_score(hypothesis, references).score),
            chrf=float(self._chrf.sentence_score(hypothesis, references).score),
            ter_edits=float(ter.num_edits),
            ter_reference_words=float(ter.ref_length),
            rouge={name: float(rouge[kind].fmeasure) for kind, name in ROUGE_KINDS.items()},
            exact=any(hypothesis.strip() == reference.strip() for reference in references),
        )

    def corpus(
        self,
        hypotheses: Sequence[str],
        references: Sequence[Sequence[str]],
        sentences: Sequence[SentenceScores],
    ) -> dict[str, Any]:
        """Score translations together.

        Args:
            hypotheses: one per sentence, at least one.
            references: for each sentence its references, as many for each.
            sentences: what `sentence` gave for each; TER's edits and ROUGE are taken from there.

        Returns:
            `bleu`, `chrf`, `ter`: each `score` (0 to 100; TER may pass 100 and is better when lower) with its
            sacrebleu `signature`; `rouge`: mean F-measures from 0 to 1; `exact_match`: a share.
        """
        streams = [list(stream) for stream in zip(*references, strict=True)]
        chrf = self._chrf.corpus_score(hypotheses, streams)
        return {
            "bleu": _bleu_report(self._bleu, hypotheses, streams),
            "chrf": {"score": float(chrf.score), "signature": str(self._chrf.get_signature())},
            "ter": {"score": _ter(sentences), "signature": self._ter_signature()},
            "rouge": {
                **{
                    name: sum(each.rouge[name] for each in sentences) / len(sentences)
                    for name in ROUGE_KINDS.values()
                },
                "signature": rouge_signature(),
            },
            "exact_match": sum(each.exact for each in sentences) / len(sentences),
        }

    def _ter_words(self, text: str) -> str:
        """With spaces where TER, which has no rules of its own for scripts without them, shall see them."""
        return self._bleu.tokenizer(text) if self.bleu_tokenizer in _SPLITTING else text

    def _ter_signature(self) -> str:
        signature = str(self._ter.get_signature())
        # sacrebleu does not know that the text was split beforehand.
        return f"{signature}|split:{self.bleu_tokenizer}" if self.bleu_tokenizer in _SPLITTING else signature

    def all_references(
        self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]
    ) -> dict[str, Any]:
        """BLEU and chrF against any number of references for each sentence.

        Args:
            hypotheses: one per sentence, at least one.
            references: for each sentence at least one reference; as many as there are.

        Returns:
            `sentences` and `references` (how many), and `bleu` and `chrf` as `corpus` has them. The
            signatures say `nrefs:var` where the number differs from sentence to sentence.
        """
        from sacrebleu.metrics import BLEU, CHRF

        most = max(map(len, references))
        # sacrebleu takes streams of equal length, with None where a sentence has no further reference.
        streams = [
            [each[place] if place < len(each) else None for each in references] for place in range(most)
        ]
        # New ones: a metric remembers the number of references for its signature.
        bleu: Any = BLEU(tokenize=self.bleu_tokenizer, force=True)
        chrf: Any = CHRF()
        return {
            "sentences": len(hypotheses),
            "references": sum(map(len, references)),
            "bleu": _bleu_report(bleu, hypotheses, streams),
            "chrf": {
                "score": float(chrf.corpus_score(hypotheses, streams).score),
                "signature": str(chrf.get_signature()),
            },
        }

    def paper_corpus(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, Any]:
        """BLEU of texts that are in the papers' form already (see `in_paper_form`), words split at spaces."""
        streams = [list(stream) for stream in zip(*references, strict=True)]
        return _bleu_report(self._paper_bleu, hypotheses, streams)


def rouge_signature() -> str:
    """What a ROUGE number depends on, in the manner of sacrebleu."""
    return (
        f"case:lc|words:unicode|stemmer:no|refs:best|mean:sentences|version:{metadata.version('rouge-score')}"
    )


class _UnicodeWords:
    """Words for ROUGE: lower-cased, with at least one letter or digit, of any alphabet.

    The tokenizer of rouge-score keeps a-z and 0-9 alone, which cuts "schön" in two and loses Greek whole.
    """

    def tokenize(self, text: str) -> list[str]:
        words = [text[start:end].lower() for start, end in word_spans(text)]
        return [word for word in words if any(character.isalnum() for character in word)]


def _bleu_report(
    metric: Any, hypotheses: Sequence[str], streams: Sequence[Sequence[str | None]]
) -> dict[str, Any]:
    bleu = metric.corpus_score(hypotheses, streams)
    return {
        "score": float(bleu.score),
        "precisions": [float(precision) for precision in bleu.precisions],
        "brevity_penalty": float(bleu.bp),
        "hypothesis_length": int(bleu.sys_len),
        "reference_length": int(bleu.ref_len),
        "signature": str(metric.get_signature()),
    }


def _ter(sentences: Sequence[SentenceScores]) -> float:
    """TER of a set is edits over reference words, both summed; counting the edits again would be slow."""
    edits = sum(each.ter_edits for each in sentences)
    words = sum(each.ter_reference_words for each in sentences)
    if words:
        return 100 * edits / words
    return 100.0 if edits else 0.0
