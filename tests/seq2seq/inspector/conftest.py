"""A server in this process, with a tiny untrained model that has kept two epochs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.seq2seq.inspector.asking import Asking

if TYPE_CHECKING:
    from data.tokenizer import TokenizerPair
    from seq2seq.inspector.served_model import ServedModel
    from seq2seq.run_directory import RunDirectory


@pytest.fixture(scope="session")
def kept_run(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizers: TokenizerPair) -> RunDirectory:
    """Its epoch 3 has the weights of its best model, epoch 1 has others."""
    from tests.seq2seq.tiny_run import make_tiny_run

    run = make_tiny_run(tmp_path_factory.mktemp("served") / "tiny", tokenizers=tiny_tokenizers)
    model = run.load_model()
    for variable in model.trainable_variables:  # tamer, so that rounding does not grow from step to step
        variable.assign(variable * 0.375)
    model.save(run.model_file)
    run.checkpoints.save(3, model)
    for variable in model.trainable_variables:
        variable.assign(variable * 0.7)
    run.checkpoints.save(1, model)
    Path(run.metrics_file).write_text("epoch,loss,val_bleu\n1,3.5,10.5\n2,3.1,11\n3,2.9,12.345\n")
    return run


@pytest.fixture(scope="session")
def served(kept_run: RunDirectory) -> ServedModel:
    from seq2seq.inspector.served_model import ServedModel

    return ServedModel("tiny", kept_run)


@pytest.fixture(scope="session")
def api(served: ServedModel) -> Iterator[Asking]:
    from fastapi.testclient import TestClient

    from seq2seq.inspector.application import create_application
    from seq2seq.inspector.limits import Limits

    limits = Limits(characters=120, sentences=40, beam_size=6, n_best=4, why_pieces=60)
    app = create_application([served], limits, hosts=("testserver",))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Asking(client)
