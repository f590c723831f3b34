"""Validation: are its numbers right, and are the right conclusions drawn from them?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from data.batching import Batch
from data.errors import UserError
from data.pair_store import PairStore
from data.special_ids import BOS_ID, EOS_ID
from seq2seq.config import Config
from seq2seq.run_directory import RunDirectory
from seq2seq.schedules import Plateau
from seq2seq.search import Search
from seq2seq.search_options import SearchOptions
from seq2seq.training_state import TrainingProgress
from seq2seq.translator import Translator
from seq2seq.validation import Validation, model_inputs, save_model
from tests.seq2seq.conftest import TrainedRun
from tests.seq2seq.tiny_run import tiny_config
from tests.seq2seq.tiny_training import metric_columns, tiny_training


class TestNumbersOfARealRun:
    """Computed again from the run directory alone, by other ways."""

    def best_row(self, trained: TrainedRun) -> dict[str, str]:
        best = RunDirectory(trained.folder).read_facts()["best_epoch"]
        return metric_columns(trained.folder)[best - 1]

    def pairs(self, trained: TrainedRun) -> list[tuple[str, str]]:
        store = PairStore(RunDirectory(trained.folder).data_folder / "validation")
        return store.read(range(len(store)))

    def test_bleu_is_that_of_translating_the_split_with_the_saved_model(self, trained: TrainedRun) -> None:
        import sacrebleu

        pairs = self.pairs(trained)
        translations = Translator.load(trained.folder).translate(
            [source for source, _ in pairs], SearchOptions(beam_size=1), batch_size=3
        )
        bleu = sacrebleu.corpus_bleu([each.text for each in translations], [[target for _, target in pairs]])
        assert float(self.best_row(trained)["val_bleu"]) == pytest.approx(bleu.score, rel=1e-5)
        assert bleu.score > 0

    def test_a_beam_ranks_as_that_of_the_run_will(
        self, trained: TrainedRun, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run, asked = RunDirectory(trained.folder), []

        def search(models: list[Any], options: SearchOptions) -> Search:
            asked.append(options)
            return Search(models, options)

        monkeypatch.setattr("seq2seq.validation.Search", search)
        settings = run.config.model_dump()
        settings["search"] |= {"beam_size": 5, "length_penalty": 1.5, "coverage_penalty": 0.2}
        settings["training"] |= {"validation_beam": 3, "validation_pairs": 2}
        data = SimpleNamespace(
            tokenizers=run.tokenizers,
            validation_store=PairStore(run.data_folder / "validation"),
            target_language=run.config.data.target_language,
        )
        config = Config.model_validate(settings)
        validation = Validation(data, config, TrainingProgress(), Path(), None, lambda _: None)  # type: ignore[arg-type]
        validation.set_model(run.load_model())
        validation._bleu()
        assert asked == [SearchOptions(beam_size=3, length_penalty=1.5, coverage_penalty=0.2)]

    def test_loss_is_the_mean_over_all_tokens_one_sentence_at_a_time(self, trained: TrainedRun) -> None:
        """No batches, no padding, no smoothing, the average weights."""
        run = RunDirectory(trained.folder)
        model, tokenizers = run.load_model(), run.tokenizers
        losses, right = [], []
        for source, target in self.pairs(trained):
            limit = run.config.batches.max_length
            source_tokens = [*tokenizers.source.encode(source)[:limit], EOS_ID]
            tokens = [*tokenizers.target.encode(target)[:limit], EOS_ID]
            inputs = (np.array([source_tokens]), np.array([[BOS_ID, *tokens[:-1]]]))
            logits = np.asarray(model(inputs)["logits"][0], np.float64)
            log_probabilities = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
            losses += [-log_probabilities[place, token] for place, token in enumerate(tokens)]
            right += [logits[place].argmax() == token for place, token in enumerate(tokens)]
        row = self.best_row(trained)
        assert float(row["val_loss"]) == pytest.approx(np.mean(losses), rel=1e-4)
        assert float(row["val_perplexity"]) == pytest.approx(math.exp(np.mean(losses)), rel=1e-4)
        assert float(row["val_token_accuracy"]) == pytest.approx(np.mean(right), abs=1e-4)

    def test_the_saved_model_is_that_of_the_best_epoch(self, trained: TrainedRun) -> None:
        facts = RunDirectory(trained.folder).read_facts()
        scores = [float(row["val_bleu"]) for row in metric_columns(trained.folder)]
        assert facts["best_score"] == pytest.approx(max(scores), rel=1e-5)
        assert facts["best_epoch"] == 1 + scores.index(max(scores))


class FakeModel:
    stop_training = False


class Judged(NamedTuple):
    progress: TrainingProgress
    saved: list[int]
    factors: list[float]
    stopped: bool


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Give `Validation` one score after the other."""

    def judge(
        scores: list[float],
        progress: TrainingProgress | None = None,
        losses: list[float] | None = None,
        **training: Any,
    ) -> Judged:
        from seq2seq import validation

        saved: list[int] = []
        factors: list[float] = []
        config = tiny_training(epochs=99, **training)
        schedule = Plateau(0.01, 0) if config.training.schedule == "plateau" else None
        progress = progress or TrainingProgress()
        callback = Validation(
            None,  # type: ignore[arg-type]
            config,
            progress,
            tmp_path / "model.keras",
            schedule,
            lambda _: None,
        )
        callback.set_model(FakeModel())
        callback.on_train_begin()
        for epoch, score in enumerate(scores):
            monkeypatch.setattr(validation, "save_model", lambda *_, epoch=epoch: saved.append(epoch))
            callback._judge(score, 1.0 if losses is None else losses[epoch], epoch)
            factors.append(1.0 if schedule is None else float(schedule.factor))
        return Judged(progress, saved, factors, callback.model.stop_training)

    return judge


class TestConclusions:
    def test_the_best_model_is_kept(self, judge: Any) -> None:
        judged = judge([3.0, 5.0, 4.0, 5.0, 6.0])
        assert judged.saved == [0, 1, 4]  # as good is not better
        assert (judged.progress.best_score, judged.progress.best_epoch) == (6.0, 5)
        assert judged.progress.validations_without_gain == 0

    def test_the_loss_decides_between_equal_scores(self, judge: Any) -> None:
        judged = judge([0.0, 0.0, 0.0, 0.0], losses=[6.0, 4.9, 5.0, 4.8], early_stopping_patience=2)
        assert judged.saved == [0, 1, 3]
        assert (judged.progress.best_epoch, judged.progress.best_loss) == (4, 4.8)
        assert not judged.stopped

    def test_the_first_model_is_kept_however_bad(self, judge: Any) -> None:
        assert judge([0.0, 0.0]).saved == [0]
        assert judge([-9.5, -9.0]).saved == [0, 1]

    def test_patience_counts_validations_since_the_best(self, judge: Any) -> None:
        assert not judge([3, 2, 2, 4, 3, 3], early_stopping_patience=3).stopped
        assert judge([3, 2, 2, 4, 3, 3, 3], early_stopping_patience=3).stopped
        assert not judge([3] + [2] * 50).stopped

    def test_patience_counts_those_before_a_resume(self, judge: Any) -> None:
        before = TrainingProgress(best_score=5.0, best_epoch=1, validations_without_gain=2)
        assert judge([4.0], before, early_stopping_patience=3).stopped

    def test_a_plateau_lowers_the_rate_step_by_step_down_to_the_final_one(self, judge: Any) -> None:
        options = {"schedule": "plateau", "plateau_patience": 2, "plateau_factor": 0.5}
        judged = judge([5, 4, 4, 4, 4, 6, 4, 4, 4, 4], final_learning_rate=0.001, **options)
        assert judged.factors == pytest.approx([1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.1])

    def test_a_plateau_goes_on_where_it_was(self, judge: Any) -> None:
        before = TrainingProgress(best_score=5.0, best_epoch=1, plateau_factor=0.25, plateau_wait=1)
        judged = judge([4.0], before, schedule="plateau", plateau_patience=2, plateau_factor=0.5)
        assert judged.factors == [0.125]


class TestWhatIsMeasured:
    def validate(
        self, monkeypatch: pytest.MonkeyPatch, loss: float, **training: Any
    ) -> list[dict[str, float]]:
        """The logs of three epochs with every measurement replaced."""
        from seq2seq import validation

        class Model(FakeModel):
            class optimizer:  # noqa: N801
                use_ema = False

        result = {"val_loss": loss, "val_perplexity": 1.0, "val_token_accuracy": 1.0}
        monkeypatch.setattr(Validation, "_teacher_forced", lambda _: dict(result))
        monkeypatch.setattr(Validation, "_bleu", lambda _: 20.0)
        monkeypatch.setattr(validation, "save_model", lambda *_: None)
        config, progress = tiny_training(epochs=9, **training), TrainingProgress()
        callback = Validation(None, config, progress, Path("x"), None, lambda _: None)  # type: ignore[arg-type]
        callback.set_model(Model())
        epochs: list[dict[str, float]] = [{}, {}, {}]
        for epoch, logs in enumerate(epochs):
            callback.on_epoch_end(epoch, logs)
        return epochs

    def test_bleu_from_the_epoch_that_is_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        logs = self.validate(monkeypatch, 2.0, select_by="bleu", validate_from_epoch=2)
        assert ["val_bleu" in each for each in logs] == [False, True, True]
        assert all("val_loss" in each for each in logs)

    def test_no_bleu_where_the_loss_decides(self, monkeypatch: pytest.MonkeyPatch) -> None:
        logs = self.validate(monkeypatch, 2.0, select_by="loss")
        assert not any("val_bleu" in each for each in logs)

    def test_everything_is_done_with_the_averaged_weights(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from seq2seq import validation

        inside: list[bool] = []
        done: list[str] = []

        @contextmanager
        def averaged(_: Any) -> Iterator[None]:
            inside.append(True)
            yield
            inside.pop()

        def noted(name: str, result: Any) -> Any:
            def do(*_: Any) -> Any:
                assert inside, name
                done.append(name)
                return result

            return do

        losses = {"val_loss": 1.0, "val_perplexity": 2.7, "val_token_accuracy": 1.0}
        monkeypatch.setattr(validation, "averaged_weights", averaged)
        monkeypatch.setattr(validation, "save_model", noted("save", None))
        monkeypatch.setattr(Validation, "_teacher_forced", noted("loss", losses))
        monkeypatch.setattr(Validation, "_bleu", noted("bleu", 20.0))
        config, progress = tiny_training(select_by="bleu"), TrainingProgress()
        heat_maps = noted("heat maps", None)
        chosen = noted("chosen", None)
        callback = Validation(
            None,  # type: ignore[arg-type]
            config,
            progress,
            Path("x"),
            None,
            lambda _: None,
            heat_maps,
            chosen=chosen,
        )
        callback.set_model(FakeModel())
        callback.on_epoch_end(0, {})
        # Between the model and what is said of it no time is spent.
        assert done == ["loss", "bleu", "heat maps", "save", "chosen"]
        assert not inside

    @pytest.mark.parametrize("loss", [math.nan, math.inf])
    def test_a_loss_that_is_no_number_ends_the_training(
        self, monkeypatch: pytest.MonkeyPatch, loss: float
    ) -> None:
        with pytest.raises(UserError, match=f"diverged: the validation loss is {loss} after epoch 1"):
            self.validate(monkeypatch, loss)


class ListOfPairs(list[tuple[str, str]]):
    """In place of a store."""

    def read(self, indices: Iterable[int]) -> list[tuple[str, str]]:
        return [self[index] for index in indices]


class TestBleu:
    @pytest.fixture
    def references(self) -> list[tuple[str, str]]:
        return [(f"source {number}", "two dogs run . a b c d"[number:]) for number in range(6)]

    def bleu(
        self, monkeypatch: pytest.MonkeyPatch, tokenizers: Any, pairs: list[tuple[str, str]], config: Config
    ) -> tuple[float, list[int]]:
        """The BLEU of a search that always finds the reference, and the sentences it was asked for."""
        from seq2seq import validation

        class Data:
            validation_store = ListOfPairs(pairs)
            target_language = "en"

        Data.tokenizers = tokenizers  # type: ignore[attr-defined]
        asked: list[int] = []

        class Perfect:
            def __init__(self, *_: Any) -> None: ...

            def refresh(self) -> None: ...

            def search(self, rows: list[list[int]]) -> Any:
                sources = [tokenizers.source.decode(row[:-1]) for row in rows]
                numbers = [int(source.split()[-1]) for source in sources]
                asked.extend(numbers)
                found = [[*tokenizers.target.encode(pairs[number][1]), EOS_ID] for number in numbers]
                width = max(len(row) for row in found)

                class Result:
                    tokens = np.array([[row + [0] * (width - len(row))] for row in found])

                return Result

        monkeypatch.setattr(validation, "Search", Perfect)
        callback = Validation(Data, config, TrainingProgress(), Path("x"), None, lambda _: None)  # type: ignore[arg-type]
        callback.set_model(FakeModel())
        return callback._bleu(), asked

    def test_of_a_perfect_search_is_100_whatever_the_order_of_length(
        self, monkeypatch: pytest.MonkeyPatch, tiny_tokenizers: Any, references: list[tuple[str, str]]
    ) -> None:
        score, asked = self.bleu(monkeypatch, tiny_tokenizers, references, tiny_config())
        assert score == pytest.approx(100.0)
        assert sorted(asked) == list(range(6))

    def test_only_the_first_so_many(
        self, monkeypatch: pytest.MonkeyPatch, tiny_tokenizers: Any, references: list[tuple[str, str]]
    ) -> None:
        config = tiny_config(training={"validation_pairs": 4})
        assert sorted(self.bleu(monkeypatch, tiny_tokenizers, references, config)[1]) == [0, 1, 2, 3]

    @pytest.mark.parametrize(
        ("language", "is_tokenized", "tokenize"),
        [("zh-CN", False, "zh"), ("de", False, "13a"), ("de", True, "none")],
    )
    def test_finds_words_as_evaluate_py_does(
        self, monkeypatch: pytest.MonkeyPatch, language: str, is_tokenized: bool, tokenize: str
    ) -> None:
        """The rules of 13a take a whole Chinese sentence for one word."""
        import sacrebleu

        from seq2seq import validation

        references = ["两只狗在雪地里奔跑。", "一个男人在弹吉他,唱歌!"]
        hypotheses = ["两只狗在草地里奔跑。", "一个男人在弹钢琴,唱歌!"]
        data = SimpleNamespace(
            target_language=language,
            validation_store=ListOfPairs(("", reference) for reference in references),
            tokenizers=SimpleNamespace(
                target=None, source=SimpleNamespace(encode_batch=lambda texts: [[5] for _ in texts])
            ),
        )
        monkeypatch.setattr(validation, "Search", lambda *_: SimpleNamespace(refresh=lambda: None))
        monkeypatch.setattr(validation, "decode_in_batches", lambda *_, **__: hypotheses)
        config = tiny_training({"evaluation": {"tokenized": is_tokenized}})
        callback = Validation(data, config, TrainingProgress(), Path("x"), None, lambda _: None)  # type: ignore[arg-type]
        callback.set_model(FakeModel())
        by_rules = {
            rules: sacrebleu.corpus_bleu(hypotheses, [references], tokenize=rules, force=True).score
            for rules in ("zh", "13a", "none")
        }
        assert callback._bleu() == pytest.approx(by_rules[tokenize])
        assert len({round(score) for score in by_rules.values()}) == 3


def test_a_failed_save_keeps_the_old_model(
    trained: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seq2seq.model import Seq2SeqModel

    def fails(self: Seq2SeqModel, path: Path, **_: Any) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    path = tmp_path / "model.keras"
    path.write_bytes(b"the old one")
    monkeypatch.setattr(Seq2SeqModel, "save", fails)
    with pytest.raises(OSError, match="No space left"):
        save_model(RunDirectory(trained.folder).load_model(), path)
    assert path.read_bytes() == b"the old one"


def test_model_inputs_are_what_fit_wants() -> None:
    one, two, three = (np.full((2, length), length) for length in (3, 4, 5))
    assert model_inputs(Batch(one, two, three, np.arange(2))) == ((one, two), three)
