"""What the inspector's server is asked and what it answers: one class for each JSON object.

Requests are strict: an unknown field, a number given as text or a value out of range is refused (422).
Word numbers count from 0 into `words`; the number behind the last word means the end of the sentence.
docs/inspector_api.md has an example of every request and answer.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator

from seq2seq.warning_signs import SignKind

Piece = Annotated[str, Field(min_length=1, max_length=200)]
Pieces = Annotated[list[Piece], Field(max_length=1000)]
WordNumber = Annotated[int, Field(ge=0, le=10_000)]
Matrix = list[list[float]]
Span = Annotated[list[int], Field(min_length=2, max_length=2)]
Attention = Literal["prior", "posterior"]

MOST_ALTERNATIVES = 50
MOST_PRUNED = 8


class Request(BaseModel):
    """Base of every request."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class ModelRequest(Request):
    model: str | None = Field(None, description="a name from `/api/models`; the first model if not given")
    checkpoint: Annotated[int, Field(ge=1)] | None = Field(
        None, description="an epoch from the model's `checkpoints`; its best weights if not given"
    )


class SearchRequest(ModelRequest):
    """Options that are not given are those of the model's run."""

    beam_size: Annotated[int, Field(ge=1)] | None = Field(None, description="1 is greedy search")
    length_penalty: Annotated[float, Field(ge=0, le=10)] | None = None
    coverage_penalty: Annotated[float, Field(ge=0, le=1000)] | None = None


class AttentionRequest(Request):
    """Of questions that are answered with attention of either kind."""

    attention: Attention = Field(
        "prior",
        description="`prior`: where the decoder looked before it knew the word; `posterior`: where the word "
        "came from, now that it is known. Alignment, confidence, measures and warnings are read from the one "
        "that is chosen",
    )


class TranslateRequest(SearchRequest, AttentionRequest):
    # One that is wrong is enough: to complain about each of a million would keep everybody waiting.
    sentences: Annotated[list[str], Field(min_length=1), FailFast()]
    n_best: Annotated[int, Field(ge=1)] = Field(1, description="at most `beam_size`")
    prefix: Pieces = Field(
        [],
        description="target pieces the translation has to begin with; for one sentence only. A prefix that "
        "ends in `</s>` is a whole translation",
    )

    @model_validator(mode="after")
    def _one_sentence_with_prefix(self) -> TranslateRequest:
        if self.prefix and len(self.sentences) != 1:
            raise ValueError("`prefix` is for exactly one sentence")
        return self


class Pair(Request):
    """A source and its translation: as text, or as pieces as a search returned them."""

    source: str
    target: str | None = None
    target_pieces: Pieces | None = Field(None, description="`</s>` at the end when it is finished")

    @model_validator(mode="after")
    def _one_target(self) -> Pair:
        if (self.target is None) == (self.target_pieces is None):
            raise ValueError("give exactly one of `target` and `target_pieces`")
        return self


class ScoreRequest(ModelRequest, AttentionRequest):
    pairs: Annotated[list[Pair], Field(min_length=1), FailFast()]


class AlternativesRequest(ModelRequest):
    source: str
    prefix: Pieces = Field([], description="the target pieces before the place that is asked about")
    count: Annotated[int, Field(ge=1, le=MOST_ALTERNATIVES)] = 10


class Pin(Request):
    """The attention of one target word is spread evenly over the chosen source words' pieces."""

    target_word: WordNumber
    source_words: Annotated[list[WordNumber], Field(min_length=1, max_length=1000)]


class PinRequest(SearchRequest):
    source: str
    target_pieces: Pieces = Field(description="the translation as it is shown; `</s>` at the end if finished")
    pins: Annotated[list[Pin], Field(min_length=1, max_length=200)]


class WhyRequest(ModelRequest):
    source: str
    target_pieces: Pieces | None = Field(None, description="if not given, the model's own greedy translation")


class BeamRequest(SearchRequest):
    source: str
    prefix: Pieces = []
    pruned: Annotated[int, Field(ge=0, le=MOST_PRUNED)] = Field(
        3, description="how many of the likeliest extensions that the beam dropped to show at each step"
    )


class SegmentedText(BaseModel):
    """A text and how it was cut; offsets are half-open, in Unicode code points of `text`."""

    text: str
    pieces: list[str]
    piece_offsets: list[Span]
    words: list[str]
    word_offsets: list[Span]
    piece_to_word: list[int]


class WarningSign(BaseModel):
    """Something about a translation that a person should look at."""

    kind: SignKind
    value: float = Field(description="the number that was judged")
    limit: float = Field(
        description="the number from which on it is a warning; of `source_not_looked_at`: below which"
    )
    message: str = Field(description="in plain words")
    source_words: list[int] = Field(description="numbers of the source words concerned")
    target_words: list[int] = Field(description="numbers of the target words concerned")


class AttentionMeasures(BaseModel):
    """Of Rikters and Fishel 2017, as penalties: 0 is best. `seq2seq/warning_signs.py` has the formulas."""

    coverage_deviation: float
    absent_mindedness_target: float = Field(description="APout: each target word's attention is scattered")
    absent_mindedness_source: float = Field(description="APin: each source word's attention is scattered")
    entropy: float = Field(description="mean over target words, 0 (one source word) to 1 (evenly over all)")


class Confidence(BaseModel):
    """See `seq2seq/alignment.py`."""

    model_config = ConfigDict(extra="allow")


class HypothesisAnswer(SegmentedText):
    finished: bool
    token_probabilities: list[float] = Field(description="(tokens,): a piece each, then `</s>` if finished")
    log_probability: float | None
    score: float | None
    attention_weights: Matrix = Field(description="(tokens, source pieces + 1)")
    word_attention: Matrix = Field(description="(target words [+ 1 if finished], source words + 1)")
    alignment: str = Field(description="Pharaoh: source-target")
    confidence: Confidence | None
    word_probabilities: list[float] = Field(
        description="(target words [+ 1 if finished],): the product over the word's pieces"
    )
    measures: AttentionMeasures | None = Field(description="null when nothing was emitted")
    warnings: list[WarningSign]


class TranslationAnswer(BaseModel):
    source: SegmentedText
    hypotheses: list[HypothesisAnswer] = Field(description="best first; none for an empty sentence")
    note: str | None = Field(description="something to know, such as that the sentence was cut")


class ModelAnswer(BaseModel):
    model: str
    checkpoint: int | None


class SearchUsed(BaseModel):
    beam_size: int
    n_best: int
    length_penalty: float
    coverage_penalty: float


class AttentionAnswer(ModelAnswer):
    attention: Attention = Field(description="which one the hypotheses have")


class TranslateAnswer(AttentionAnswer):
    search: SearchUsed
    translations: list[TranslationAnswer]


class ScoreAnswer(AttentionAnswer):
    translations: list[TranslationAnswer] = Field(description="one hypothesis each: the given target")


class Alternative(BaseModel):
    piece: str = Field(description="`</s>` for the end; append it to the prefix to choose it")
    text: str = Field(description="what the piece adds to the text, without the space before it")
    starts_word: bool = Field(description="whether a space stands before it")
    is_end: bool
    probability: float
    log_probability: float


class AlternativesAnswer(ModelAnswer):
    source: SegmentedText
    prefix: list[str]
    prefix_text: str
    attention_weights: list[float] = Field(description="(source pieces + 1,), of the step asked about")
    alternatives: list[Alternative] = Field(description="likeliest first")
    note: str | None


class PinAnswer(ModelAnswer):
    before: TranslationAnswer = Field(description="the given translation, as the model attends by itself")
    after: TranslationAnswer = Field(description="the same translation with the attention pinned")
    continuation: TranslationAnswer = Field(
        description="kept up to the first pinned word, then searched with the attention pinned"
    )
    first_changed_word: int = Field(description="the first pinned target word: the ones before it are kept")


class Disagreement(BaseModel):
    """A cell in which attention and dependence say different things."""

    target_word: int
    source_word: int
    kind: Literal["looked_at_not_needed", "needed_not_looked_at"]
    attention: float
    leave_one_out: float
    message: str


class WhyAnswer(ModelAnswer):
    translation: TranslationAnswer
    leave_one_out: Matrix = Field(
        description="(target words [+ 1 if finished], source words): by how much the target word's log "
        "probability falls when the source word is left out; negative when it rises"
    )
    gradient_x_input: Matrix = Field(
        description="(target words [+ 1 if finished], source words + 1): derivative of the target word's log "
        "probability by the source word's embeddings, times these embeddings"
    )
    disagreements: list[Disagreement]
    rule: str = Field(description="when a cell counts as a disagreement")
    explanation: str = Field(description="what attention does and does not explain")


class BeamNode(BaseModel):
    id: int
    parent: int | None = Field(description="null for nodes of the first step")
    step: int = Field(description="0 for the first piece")
    piece: str
    text: str = Field(description="what the piece adds to the text")
    starts_word: bool
    status: Literal["kept", "ended", "dropped", "pruned", "cut"] = Field(
        description="kept: stayed in the beam and was extended; ended: emitted `</s>`; dropped: was in the "
        "beam, but none of its extensions stayed; pruned: an extension that never came into the beam; cut: "
        "still growing at the end of the search"
    )
    log_probability: float = Field(description="of the whole hypothesis up to this piece")
    token_probability: float
    rank: int | None = Field(description="in the beam of its step, 0 is the best; null when pruned")
    score: float | None = Field(description="of a hypothesis that ended or was cut")
    on_best_path: bool


class BeamHypothesis(BaseModel):
    node: int = Field(description="the id of its last node")
    text: str
    log_probability: float
    score: float
    finished: bool


class BeamAnswer(ModelAnswer):
    search: SearchUsed
    source: SegmentedText
    nodes: list[BeamNode] = Field(description="parents before children, step by step, best first in a step")
    hypotheses: list[BeamHypothesis] = Field(description="what the search returns, best first")
    note: str | None


class Checkpoint(BaseModel):
    epoch: int
    validation_score: float | None = Field(description="BLEU (or loss) on the validation split, if known")


class ModelDescription(BaseModel):
    name: str
    source_language: str = Field(description="as the run calls it: a code or a name")
    target_language: str
    source_code: str | None = Field(description="the same if it is a BCP 47 code, for `lang` attributes")
    target_code: str | None
    parameters: int
    source_vocabulary_size: int
    target_vocabulary_size: int
    target_tokenizer: str = Field(description="a fingerprint: models that share it cut translations alike")
    corpus: str | None
    best_epoch: int | None
    best_score: float | None
    max_source_pieces: int = Field(description="longer sentences are cut, with a note")
    search: SearchUsed = Field(description="the defaults of the run")
    checkpoints: list[Checkpoint] = Field(description="kept epochs, first to last; empty if none were kept")


class LimitsAnswer(BaseModel):
    characters: int = Field(description="of one sentence")
    sentences: int = Field(description="of one request")
    beam_size: int
    n_best: int
    pieces: int = Field(description="of a prefix or a translation given as pieces")
    body_bytes: int
    why_pieces: int = Field(description="of source and target each, for /api/why")
    weights: int = Field(description="attention weights in one answer, of all its translations")


class ModelsAnswer(BaseModel):
    models: list[ModelDescription]
    limits: LimitsAnswer


class HealthAnswer(BaseModel):
    status: Literal["ok"]
    models: list[str]
    waiting: int = Field(description="pieces of work in the queue")


class Problem(BaseModel):
    field: str | None = Field(description="such as `pairs.0.source`")
    message: str


class ErrorBody(BaseModel):
    code: Literal[
        "invalid_request",
        "invalid_json",
        "too_large",
        "too_long",
        "too_many",
        "unknown_model",
        "unknown_checkpoint",
        "unknown_piece",
        "not_found",
        "method_not_allowed",
        "wrong_host",
        "busy",
        "model_failed",
    ]
    message: str
    problems: list[Problem] = []


class ErrorAnswer(BaseModel):
    """Every answer with a status from 400 on."""

    error: ErrorBody
