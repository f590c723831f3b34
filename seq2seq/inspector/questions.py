"""From a well-formed request to its answer: check it against the limits, queue its work, wait, tell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from data.special_ids import EOS_ID
from seq2seq.inspector import schemas
from seq2seq.inspector.answers import alternatives_json, beam_json, translation_json, why_json
from seq2seq.inspector.limits import Limits
from seq2seq.inspector.model_version import ModelVersion
from seq2seq.inspector.problems import ApiError, ClientGone, text_of
from seq2seq.inspector.request_checks import RequestChecks
from seq2seq.inspector.served_model import ServedModel
from seq2seq.inspector.work_queue import QueueFull, Work, WorkQueue
from seq2seq.inspector.written_json import written_json
from seq2seq.search_options import MOST_BEAMS, SearchOptions
from seq2seq.translation import EOS_LABEL, Translation

SECONDS_BETWEEN_LOOKS = 0.5  # at whether the client is still there

IsGone = Callable[[], Awaitable[bool]]


class Questions:
    """Answers requests; one for a server.

    Args:
        models: by name, the first one is the default.
        queue: in front of the thread that the models run on.
        limits: of a request.
    """

    def __init__(self, models: Sequence[ServedModel], queue: WorkQueue, limits: Limits) -> None:
        self.models = {model.name: model for model in models}
        self.queue = queue
        self.limits = limits
        self.check = RequestChecks(limits)
        # Many numbers take a while to write out, and meanwhile others want to be heard. Few threads, as each
        # takes the interpreter from the model's.
        self._writers = ThreadPoolExecutor(2, "writer")

    async def translate(self, asked: schemas.TranslateRequest, is_gone: IsGone) -> dict[str, Any]:
        model = self._model(asked)
        self.check.count(len(asked.sentences), "sentences")
        for place, text in enumerate(asked.sentences):
            self.check.text(text, f"sentences.{place}")
        options = self._options(model, asked, asked.n_best)
        prefix = self._tokens(model, asked.prefix, "prefix")
        if prefix and prefix[-1] == EOS_ID:
            pairs: list[tuple[str, Any]] = [(asked.sentences[0], prefix)]
            works = [self._scoring(model, asked, pair, options) for pair in pairs]
        else:
            works = [self._translating(model, asked, text, prefix, options) for text in asked.sentences]
        found = await self._done(works, is_gone)
        self.check.weights(found, asked.n_best, "sentences" if asked.n_best == 1 else "n_best")
        translations = await self._with_attention(model, asked, found, asked.n_best, is_gone)
        return {
            **_identity(model, asked),
            "attention": asked.attention,
            "search": _search_json(options, asked.n_best),
            "translations": await self._to_json(model, translations, asked.n_best),
        }

    async def score(self, asked: schemas.ScoreRequest, is_gone: IsGone) -> dict[str, Any]:
        model = self._model(asked)
        self.check.count(len(asked.pairs), "pairs")
        works = []
        for place, pair in enumerate(asked.pairs):
            self.check.text(pair.source, f"pairs.{place}.source")
            field = f"pairs.{place}.target"
            if pair.target is not None:
                self.check.text(pair.target, field)
                target: Any = pair.target
            else:
                target = self._translation_tokens(model, pair.target_pieces or [], f"{field}_pieces")
            works.append(self._scoring(model, asked, (pair.source, target)))
        found = await self._done(works, is_gone)
        self.check.weights(found, 1, "pairs")
        translations = await self._with_attention(model, asked, found, 1, is_gone)
        return {
            **_identity(model, asked),
            "attention": asked.attention,
            "translations": await self._to_json(model, translations),
        }

    async def alternatives(self, asked: schemas.AlternativesRequest, is_gone: IsGone) -> dict[str, Any]:
        model = self._model(asked)
        source = self._source(model, asked.source)
        prefix = self._open_prefix(model, asked.prefix)

        def run(version: ModelVersion) -> Any:
            return version.alternatives(source, prefix)

        (found,) = await self._done([self._alone(model, asked, run, len(prefix) + 1, 1)], is_gone)
        tokenizer = model.translator.tokenizers.target
        return {
            **_identity(model, asked),
            **alternatives_json(found, source, prefix, asked.count, tokenizer),
            "note": self._note(model, asked.source),
        }

    async def pin(self, asked: schemas.PinRequest, is_gone: IsGone) -> dict[str, Any]:
        model = self._model(asked)
        source = self._source(model, asked.source)
        tokens = self._translation_tokens(model, asked.target_pieces, "target_pieces")
        options = self._options(model, asked, 1)
        target = model.translator.tokenizers.target.segment_tokens(tokens)
        words = {"target_word": len(target.words), "source_words": len(source.words)}
        for place, pin in enumerate(asked.pins):
            for name, chosen in (("target_word", [pin.target_word]), ("source_words", pin.source_words)):
                self.check.words(chosen, words[name], f"pins.{place}.{name}")
            if pin.target_word == words["target_word"] and tokens[-1] != EOS_ID:
                message = "The translation is not finished, so it has no end to pin."
                raise ApiError(422, "invalid_request", message, f"pins.{place}.target_word")
        pins = [(pin.target_word, pin.source_words) for pin in asked.pins]
        first_word = min(target_word for target_word, _ in pins)

        def run(version: ModelVersion) -> Any:
            return version.pinned(asked.source, tokens, pins, options)

        steps = 2 * (len(source.pieces) + len(tokens))
        (found,) = await self._done([self._alone(model, asked, run, steps, options.beam_size)], is_gone)
        before, after, continuation = await self._to_json(
            model, [found.before, found.after, found.continuation]
        )
        return {
            **_identity(model, asked),
            "before": before,
            "after": after,
            "continuation": continuation,
            "first_changed_word": first_word,
        }

    async def why(self, asked: schemas.WhyRequest, is_gone: IsGone) -> dict[str, Any]:
        model = self._model(asked)
        source = self._source(model, asked.source)
        self.check.pieces(len(source.pieces), self.limits.why_pieces, "source")
        if asked.target_pieces is None:
            greedy = self._options(model, schemas.SearchRequest(beam_size=1), 1)
            work = self._translating(model, asked, asked.source, [], greedy)
        else:
            given = self._translation_tokens(model, asked.target_pieces, "target_pieces")
            work = self._scoring(model, asked, (asked.source, given))
        (translation,) = await self._done([work], is_gone)
        hypothesis = translation.hypotheses[0]
        tokens = [*hypothesis.target.token_ids, *([EOS_ID] if hypothesis.finished else [])]
        self.check.pieces(len(tokens), self.limits.why_pieces + 1, "target_pieces")

        def leave_out(version: ModelVersion) -> Any:
            return version.leave_one_out(translation, tokens)

        def gradient(version: ModelVersion) -> Any:
            return version.gradient_x_input(translation, tokens)

        works = [
            self._alone(model, asked, leave_out, len(tokens), len(source.words) + 1),
            self._alone(model, asked, gradient, 4 * len(tokens), 1),  # there and back, in slow motion
        ]
        left_out, slopes = await self._done(works, is_gone)
        answer = await self._in_writer(lambda: why_json(translation, left_out, slopes, model.languages))
        return {**_identity(model, asked), **answer}

    async def beam(self, asked: schemas.BeamRequest, is_gone: IsGone) -> dict[str, Any]:
        model = self._model(asked)
        source = self._source(model, asked.source)
        options = self._options(model, asked, None)
        prefix = self._open_prefix(model, asked.prefix)

        def run(version: ModelVersion) -> Any:
            return version.beam(source, prefix, options, asked.pruned)

        steps, rows = 2 * len(source.pieces) + len(prefix), options.beam_size + asked.pruned
        work = self._alone(model, asked, run, steps, rows)
        (tree,) = await self._done([work], is_gone)
        tokenizer = model.translator.tokenizers.target
        return {
            **_identity(model, asked),
            "search": _search_json(options, options.n_best),
            **await self._in_writer(lambda: beam_json(tree, source, tokenizer)),
            "note": self._note(model, asked.source),
        }

    def _translating(
        self, model: ServedModel, asked: Any, text: str, prefix: list[int], options: SearchOptions
    ) -> Work:
        def run(payloads: list[str]) -> list[Translation]:
            version = model.version(asked.checkpoint)
            return version.translate(payloads, [prefix] * len(payloads), options)

        group = (model.name, asked.checkpoint, "translate", options, tuple(prefix))
        pieces = len(model.translator.tokenizers.source.encode(text))
        steps = 2 * min(pieces, model.translator.max_source_pieces) + 1
        return Work(group, steps, options.beam_size, text, run)

    def _scoring(
        self,
        model: ServedModel,
        asked: Any,
        pair: tuple[str, str | list[int]],
        options: SearchOptions | None = None,
    ) -> Work:
        """Of `options` the penalties count; None: those of the model's run."""

        def run(payloads: list[Any]) -> list[Translation]:
            return model.version(asked.checkpoint).score(payloads, options)

        target = pair[1]
        tokens = target if not isinstance(target, str) else model.translator.tokenizers.target.encode(target)
        return Work((model.name, asked.checkpoint, "score", options), len(tokens) + 1, 1, pair, run)

    async def _with_attention(
        self,
        model: ServedModel,
        asked: schemas.TranslateRequest | schemas.ScoreRequest,
        found: list[Translation],
        n_best: int,
        is_gone: IsGone,
    ) -> list[Translation]:
        """With the attention that is asked for; where it is the posterior, with `n_best` hypotheses each."""
        if asked.attention == "prior":
            return found
        chosen = [replace(each, hypotheses=each.hypotheses[:n_best]) for each in found]
        works = [
            self._rereading(model, asked, replace(each, hypotheses=(hypothesis,)))
            for each in chosen
            for hypothesis in each.hypotheses
        ]
        reread = iter(await self._done(works, is_gone))
        return [
            replace(each, hypotheses=tuple(next(reread).hypotheses[0] for _ in each.hypotheses))
            for each in chosen
        ]

    def _rereading(self, model: ServedModel, asked: Any, translation: Translation) -> Work:
        """The posterior attention of a translation with one hypothesis."""

        def run(payloads: list[Translation]) -> list[Translation]:
            return model.version(asked.checkpoint).posterior(payloads)

        (hypothesis,) = translation.hypotheses
        steps, places = hypothesis.attention.shape
        # A decoder for every place of the source goes beside the one that wrote the translation.
        return Work((model.name, asked.checkpoint, "posterior"), steps, places + 1, translation, run)

    def _alone(
        self, model: ServedModel, asked: Any, ask: Callable[[ModelVersion], Any], steps: int, rows: int
    ) -> Work:
        """Something that is not done together with anything else."""

        def run(payloads: list[None]) -> list[Any]:
            return [ask(model.version(asked.checkpoint)) for _ in payloads]

        return Work(None, steps, rows, None, run)

    async def _done(self, works: list[Work], is_gone: IsGone) -> list[Any]:
        """Queue work and wait for it; when the client goes away or one fails, the rest is not done.

        Raises:
            ApiError: the server has too much to do.
            ClientGone: nobody waits any more.
        """
        try:
            self.queue.submit(works)
        except QueueFull as error:
            message = "The server has too much to do just now. Try again in a few seconds."
            raise ApiError(503, "busy", message, headers={"Retry-After": "5"}) from error
        results = [asyncio.wrap_future(work.result) for work in works]
        waiting = set(results)
        try:
            while waiting:
                done, waiting = await asyncio.wait(
                    waiting, timeout=SECONDS_BETWEEN_LOOKS, return_when=asyncio.FIRST_EXCEPTION
                )
                if any(result.cancelled() for result in done):
                    raise ApiError(503, "busy", "The server is stopping.")
                if any(result.exception() for result in done):
                    break
                if waiting and await is_gone():
                    raise ClientGone
            return [result.result() for result in results if result.done()]
        finally:
            for result in waiting:
                result.cancel()  # and the work with it, if nobody has begun it

    async def _to_json(
        self, model: ServedModel, translations: list[Translation], n_best: int | None = None
    ) -> list[dict[str, Any]]:
        write = partial(translation_json, languages=model.languages, n_best=n_best)
        return await self._in_writer(lambda: [write(translation) for translation in translations])

    async def written(self, answer: dict[str, Any]) -> bytes:
        """An answer as JSON."""
        return await self._in_writer(lambda: written_json(answer))

    async def _in_writer(self, write: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._writers, write)

    def _model(self, asked: schemas.ModelRequest) -> ServedModel:
        name = next(iter(self.models)) if asked.model is None else asked.model
        if name not in self.models:
            known = ", ".join(self.models)
            raise ApiError(
                404, "unknown_model", f"There is no model {name[:100]!r}; known: {known}.", "model"
            )
        model = self.models[name]
        if asked.checkpoint is not None and asked.checkpoint not in model.checkpoints:
            kept = ", ".join(map(str, model.checkpoints)) or "none"
            message = f"{name} has no checkpoint of epoch {asked.checkpoint}; kept epochs: {kept}."
            raise ApiError(404, "unknown_checkpoint", message, "checkpoint")
        return model

    def _options(self, model: ServedModel, asked: schemas.SearchRequest, n_best: int | None) -> SearchOptions:
        """The search that is asked for; `n_best` None: everything that is in the beam."""
        beam_size = asked.beam_size or model.beam_size(self.limits.beam_size)
        for name, number, what in (
            ("beam_size", beam_size, "hypotheses to follow at once"),
            ("n_best", n_best or 1, "translations of a sentence"),
        ):
            most = min(getattr(self.limits, name), MOST_BEAMS)
            if number > most:
                message = f"{number} {what} are too many; at most {most} are allowed."
                raise ApiError(422, "invalid_request", message, name)
        if n_best is not None and n_best > beam_size:
            message = (
                f"A beam of {beam_size} finds at most {beam_size} translations of a sentence, and {n_best} "
                "were asked for. Follow more hypotheses, or ask for fewer translations."
            )
            raise ApiError(422, "invalid_request", message, "n_best")
        return model.translator.default_options(
            beam_size=beam_size,
            # Every number of hypotheses would need a graph of its own: there are two, for one and for all.
            n_best=1 if n_best == 1 else beam_size,
            length_penalty=asked.length_penalty,
            coverage_penalty=asked.coverage_penalty,
        )

    def _source(self, model: ServedModel, text: str) -> Any:
        """The source of a question about one sentence, which must not be empty."""
        self.check.text(text, "source")
        source = model.source(text)
        if not source.pieces:
            raise ApiError(422, "invalid_request", "The source is empty. Write a sentence.", "source")
        return source

    def _note(self, model: ServedModel, text: str) -> str | None:
        read, whole = len(model.source(text).pieces), len(model.translator.tokenizers.source.encode(text))
        return f"the source has {whole} pieces, only the first {read} were used" if read < whole else None

    def _tokens(self, model: ServedModel, pieces: Sequence[str], field: str) -> list[int]:
        self.check.pieces(len(pieces), self.limits.pieces, field)
        tokenizer = model.translator.tokenizers.target
        tokens = []
        for place, piece in enumerate(pieces):
            is_end = piece == EOS_LABEL and place == len(pieces) - 1
            token = EOS_ID if is_end else tokenizer.token(piece)
            if token is None:
                message = f"{piece[:50]!r} is no piece of this model's target vocabulary."
                raise ApiError(422, "unknown_piece", message, f"{field}.{place}")
            tokens.append(token)
        return tokens

    def _open_prefix(self, model: ServedModel, pieces: Sequence[str]) -> list[int]:
        """The tokens of a prefix that something can follow."""
        tokens = self._tokens(model, pieces, "prefix")
        if EOS_ID in tokens:
            message = f"Nothing comes after {EOS_LABEL}, the end of the translation."
            raise ApiError(422, "invalid_request", message, "prefix")
        return tokens

    def _translation_tokens(self, model: ServedModel, pieces: Sequence[str], field: str) -> list[int]:
        tokens = self._tokens(model, pieces, field)
        if not tokens:
            message = f"{text_of(field)} has no piece; give one at least."
            raise ApiError(422, "invalid_request", message, field)
        return tokens


def _identity(model: ServedModel, asked: schemas.ModelRequest) -> dict[str, Any]:
    return {"model": model.name, "checkpoint": asked.checkpoint}


def _search_json(options: SearchOptions, n_best: int) -> dict[str, Any]:
    return {
        "beam_size": options.beam_size,
        "n_best": n_best,
        "length_penalty": options.length_penalty,
        "coverage_penalty": options.coverage_penalty,
    }
