"""The model card of a shipped model: what it is, how good, made of what, and what not to use it for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seq2seq.corpus_notes import CorpusNotes
from seq2seq.languages import language_name
from seq2seq.results_tables import DASH, as_number, as_text, table
from seq2seq.run_directory import RunDirectory
from seq2seq.search_options import run_search_options
from seq2seq.synthetic_pairs import KINDS, kept_by_rank

_FILES = (
    ("`weights.zip`", "the weights in half precision"),
    ("`tokenizer/`", "SentencePiece model, and its pieces as text"),
    ("`config.yaml`", "every option of the training"),
    ("`run.json`", "facts of the training: versions, fingerprints of the corpus, sizes"),
    ("`SHA256SUMS`", "checked whenever the model is loaded"),
    ("`scores.json`", "the numbers of this page"),
)


class ModelCard:
    """The page, written from the files of a run alone; the same files give the same page.

    Args:
        name: of the model.
        shipped: its directory, complete but for the card.
        scores: the content of scores.json.
        notes: on the corpus.
        citation: of the corpus, BibTeX; may be empty.
    """

    def __init__(
        self, name: str, shipped: RunDirectory, scores: Mapping[str, Any], notes: CorpusNotes, citation: str
    ) -> None:
        self.name = name
        self.facts = shipped.read_facts()
        self.config = shipped.config
        self.tokenizers = shipped.tokenizers
        self.weights_bytes = shipped.model_file.stat().st_size
        self.scores = scores
        self.notes = notes
        self.citation = citation

    def lines(self) -> Iterator[str]:
        """The lines of the page, Markdown."""
        source, target = (language_name(self.facts[f"{side}_language"]) for side in ("source", "target"))
        yield f"# {self.name}"
        yield ""
        yield (
            f"Translates {source} {self.notes.speaks_of} into {target} and shows where it looked: "
            f"{self.facts['parameters'] / 1e6:.1f} million parameters, {self.weights_bytes / 1e6:.1f} MB. "
            f"Licence: {self.notes.licence}."
        )
        yield ""
        yield "```console"
        yield f"$ python translate.py --model {self.name}     # then type a sentence"
        yield f"$ python evaluate.py --model {self.name}"
        yield "```"
        yield from _section("Scores", self._scores())
        yield from _section("Half precision", self._half_precision())
        yield from _section("Training", self._training())
        yield from _section("Data, licence, attribution", self._data())
        yield from _section("What it has seen", self._seen())
        yield from _section("Limits and bias", self._limits())
        yield from _section("Files", self._files())

    def _scores(self) -> Iterator[str]:
        from seq2seq.evaluation_table import part, signatures

        reports = self.scores["evaluations"]
        columns = (
            ("BLEU", ("bleu",)),
            ("BLEU, papers' form", ("paper_bleu",)),
            ("BLEU, all references", ("multi_reference", "bleu")),
            ("chrF", ("chrf",)),
            ("TER ↓", ("ter",)),
        )
        rows = [
            [
                as_text(report["set"]),
                as_number(report["counts"]["sentences"], 0),
                as_number(report["options"]["beam_size"], 0),
                *(as_number(part(report["scores"], *keys, "score"), 1) for _, keys in columns),
                as_number(part(report["scores"], "perplexity", "per_word"), 2),
            ]
            for report in reports
        ]
        header = ["set", "sentences", "beam", *(heading for heading, _ in columns), "perplexity per word ↓"]
        yield (
            "Of the model as it was trained, before its weights were rounded; docs/results.md has the scores "
            f"of the model as it ships, up to 0.1 apart. {self._unseen()}"
        )
        yield ""
        yield from table(header, rows, left=1)
        yield ""
        shown = {heading.removesuffix(" ↓") for heading, _ in columns}
        yield from (f"- {name}: `{signature}`" for name, signature in signatures(reports) if name in shown)

    def _unseen(self) -> str:
        shared = self.scores.get("shared_pairs")
        if not shared:
            return "Neither training nor the choice of the best epoch saw these sets."
        counts = ", ".join(f"{as_number(count, 0)} of {as_text(name)}" for name, count in shared.items())
        return f"Some of their pairs stand among the training pairs, too: {counts}."

    def _half_precision(self) -> Iterator[str]:
        halving = self.scores["half_precision"]
        rows = [
            [
                label,
                as_number(halving[key]["bleu"], 2),
                as_number(halving[key]["chrf"], 2),
                as_number(halving[key]["perplexity_per_token"], 4),
            ]
            for label, key in (("as trained, float32", "float32"), ("as shipped, float16", "float16"))
        ]
        yield (
            "The weights are stored as float16 and computed with as float32. Both models on the "
            f"{halving['set']} split, {halving['sentences']:,} sentences, beam {halving['beam_size']}: "
            f"{halving['same_translations']:,} translations are the same to the letter."
        )
        yield ""
        yield from table(["weights", "BLEU", "chrF", "perplexity per token ↓"], rows, left=1)
        yield ""
        names = {"bleu": "BLEU", "chrf": "chrF"}
        yield from (f"- {label}: `{halving['signatures'][name]}`" for name, label in names.items())

    def _training(self) -> Iterator[str]:
        facts, model = self.facts, self.config.model
        kind = "a conditional GRU" if model.conditional_gru else "a GRU"
        yield (
            f"Bidirectional GRU encoder ({model.encoder_units} units in each direction, layers: "
            f"{model.encoder_layers}), additive attention (Bahdanau et al. 2014) of {model.attention_units} "
            f"units, {kind} of {model.decoder_units} units as decoder, embeddings of "
            f"{model.embedding_units}; {self._vocabulary()}."
        )
        yield ""
        rows = [
            ["corpus", as_text(facts["corpus"])],
            ["pairs after cleaning", self._pairs()],
            ["epochs", f"{facts.get('epochs', DASH)}, the best one is {facts.get('best_epoch', DASH)}"],
            ["time", _minutes(facts.get("training_seconds"))],
            ["machine", as_text(facts.get("processor") or DASH)],
            ["products", as_text(facts.get("matmul_precision") or DASH)],
            ["attention", self._guidance()],
            ["search", self._search()],
            ["seed", str(self.config.seed)],
            ["software", ", ".join(f"{name} {version}" for name, version in facts["versions"].items())],
        ]
        yield from table(["", ""], rows, left=2)
        yield ""
        yield "Train it again, with the options that the training ended with:"
        yield ""
        yield "```console"
        yield f"$ python train.py --config models/{self.name}/config.yaml --run runs/{self.name}-again"
        yield "```"

    def _guidance(self) -> str:
        guided = self.config.training.guided_attention
        if not guided.weight:
            return "left to itself"
        return (
            f"guided towards word alignments (weight {guided.weight:g}, `unaligned: {guided.unaligned}`): "
            "docs/alignment.md"
        )

    def _search(self) -> str:
        options = run_search_options(self.config)
        return (
            f"beam {options.beam_size}, length penalty {options.length_penalty:g}, "
            "unless others are asked for"
        )

    def _pairs(self) -> str:
        pairs = as_number(self.facts.get("train_pairs"), 0)
        added = [
            f", {self.facts[kind]['kept']:,} of them {name}{_in_turn(self.facts[kind])}"
            for kind, name in KINDS.items()
            if kind in self.facts
        ]
        return "".join([pairs, *added])

    def _vocabulary(self) -> str:
        # Of a tokenizer that the run was given, the configuration knows neither kind nor size.
        given = self.config.tokenizer.folder is not None
        kind = "a given vocabulary" if given else self.config.tokenizer.model_type
        source, target = (
            f"{each.vocabulary_size:,}" for each in (self.tokenizers.source, self.tokenizers.target)
        )
        if self.tokenizers.joint:
            return f"{kind} of {source} pieces, one vocabulary for both languages"
        return f"{kind} of {source} and {target} pieces, a vocabulary for each language"

    def _data(self) -> Iterator[str]:
        start = self.facts.get("started_from")
        alone = ", and on nothing else" if start is None else ""
        yield (
            f"Trained on {self.notes.title}{alone}{self._synthetic_pairs()}."
            f"{self._careless_typing()}{_beginning(start)}"
        )
        yield ""
        yield self.notes.terms
        yield ""
        yield self.notes.attribution
        if self.citation:
            yield from ("", "```bibtex", *self.citation.strip().splitlines(), "```")

    def _careless_typing(self) -> str:
        share = self.config.data.careless_typing
        if not share:
            return ""
        language = language_name(self.facts["source_language"])
        return (
            f" Of its {language} sentences {share:.0%}, others in every epoch, were read as people type them "
            "in a hurry: in lower case, in capitals, without marks or apostrophes."
        )

    def _synthetic_pairs(self) -> str:
        source, target = (language_name(self.facts[f"{side}_language"]) for side in ("source", "target"))
        back, forward = self.config.data.back_translation, self.config.data.forward_translation
        parts = []
        if back is not None:
            text = "its" if back.text is None else "other"
            parts.append(
                f"{text} {target} sentences with what {back.model} translates them back to in {source}"
            )
        if forward is not None:
            text = "its" if forward.text is None else "other"
            models = " and ".join(forward.models)
            together = " together translate" if len(forward.models) > 1 else " translates"
            parts.append(f"{text} {source} sentences with what {models}{together} them to in {target}")
        return f" but {', and '.join(parts)}" if parts else ""

    def _seen(self) -> Iterator[str]:
        yield self.notes.seen
        yield ""
        rows = [
            [
                language_name(code),
                as_number(seen["sentences"], 0),
                as_number(seen["mean_words"], 1),
                as_number(seen["longest_of_95_percent"], 0),
                as_number(seen["longest"], 0),
                as_number(seen["distinct_words"], 0),
                as_number(seen["words_seen_once"], 0),
            ]
            for code, seen in self.scores["seen"].items()
        ]
        header = ["training sentences", "count", "mean words", "95 % have at most", "longest"]
        yield from table([*header, "distinct words", "seen once"], rows, left=1)
        for code, seen in self.scores["seen"].items():
            yield ""
            commonest = ", ".join(seen["commonest"])
            yield f"Commonest {language_name(code)} words of four letters and more: {commonest}."

    def _limits(self) -> Iterator[str]:
        yield self.notes.limits
        yield ""
        yield self.notes.bias
        english = self.scores["seen"].get("en")
        if english is not None:
            yield ""
            yield (
                f"Of the English training sentences {english['speaks_of_men']:.0%} name a male person (he, "
                f"man, boy, …), {english['speaks_of_women']:.0%} a female one (she, woman, girl, …)."
            )

    def _files(self) -> Iterator[str]:
        yield from table(["file", ""], [list(row) for row in _FILES], left=2)
        yield ""
        yield f"To check them without loading: `cd models/{self.name} && sha256sum -c SHA256SUMS`."


def _section(heading: str, lines: Iterator[str]) -> Iterator[str]:
    yield from ("", f"## {heading}", "")
    yield from lines


def _beginning(started_from: Mapping[str, Any] | None) -> str:
    """Of a model that began with the weights of another one: whose, and what those had been trained on."""
    if started_from is None:
        return ""
    corpus = started_from["corpus"] or "a corpus that was not noted"
    return f" It began with the weights of `{started_from['model']}`, which had been trained on {corpus}."


def _minutes(seconds: float | None) -> str:
    return DASH if seconds is None else f"{seconds / 60:.0f} minutes"


def _in_turn(made: dict[str, Any]) -> str:
    """What to add where an epoch has only some of the pairs that were made."""
    ranks = len(kept_by_rank(made))
    return f" in {ranks} parts, one an epoch" if ranks > 1 else ""
