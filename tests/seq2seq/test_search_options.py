"""Options and inputs that cannot work are refused with a message that says what would."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from data.errors import UserError
from seq2seq.search_options import SearchOptions


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beam_size": 0}, r"beam_size must be a whole number from 1 to 10,000; got 0"),
        ({"beam_size": 10001}, r"beam_size must be a whole number from 1 to 10,000; got 10001"),
        ({"n_best": 10**6, "sampling": True}, r"n_best must be a whole number from 1 to 100,000"),
        ({"beam_size": 2.0}, r"beam_size must be a whole number"),
        ({"beam_size": True}, r"beam_size must be a whole number"),
        ({"beam_size": 3, "n_best": 4}, r"n_best must be from 1 to beam_size \(3\); got 4"),
        ({"n_best": 0}, r"n_best must be a whole number from 1 to 100,000; got 0"),
        ({"length_penalty": -0.1}, r"length_penalty must be a finite number from 0 to 10; got -0.1"),
        ({"length_penalty": float("nan")}, r"length_penalty must be a finite number"),
        ({"length_normalisation": "none"}, r"length_normalisation must be power or gnmt; got 'none'"),
        ({"coverage_penalty": -1}, r"coverage_penalty must be a finite number from 0 to 1000"),
        ({"coverage_penalty": 1e39}, r"coverage_penalty must be a finite number from 0 to 1000"),
        ({"min_length": -1}, r"min_length must be a whole number from 0 to 1,000,000"),
        ({"max_length": 0}, r"max_length must be a whole number from 1 to 1,000,000"),
        ({"min_length": 5, "max_length": 4}, r"max_length must be at least min_length \(5\); got 4"),
        ({"max_length_factor": -1.0}, r"max_length_factor must be a finite number from 0 to 1000"),
        ({"max_length_factor": 0.0, "max_length_extra": 0}, r"must not both be 0"),
        ({"max_length_factor": 1e12}, r"max_length_factor must be a finite number from 0 to 1000"),
        ({"temperature": 0.0}, r"temperature must be a finite number from 0.01 to 1000; got 0.0"),
        ({"temperature": 1e-38}, r"temperature must be a finite number from 0.01 to 1000; got 1e-38"),
        ({"temperature": 1e39}, r"temperature must be a finite number from 0.01 to 1000"),
        ({"length_penalty": 10.1}, r"length_penalty must be a finite number from 0 to 10; got 10.1"),
        ({"top_k": -1}, r"top_k must be a whole number of at least 0"),
        ({"seed": -1}, r"seed must be a whole number of at least 0"),
    ],
)
def test_bad_options_are_named_with_their_range(arguments, message):
    with pytest.raises(UserError, match=message):
        SearchOptions(**arguments)


def test_samples_are_not_bound_to_the_beam():
    assert SearchOptions(sampling=True, beam_size=1, n_best=10).n_best == 10


def test_options_load_no_tensorflow():
    code = "import sys, seq2seq.search_options; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("source", "prefix", "options", "message"),
    [
        ([[5.0, 2.0]], None, {}, r"source_tokens, row 0 must be a list of token ids"),
        ([5, 2], None, {}, r"source_tokens, row 0 must be a list of token ids; got 5"),
        ([[5, 0, 2]], None, {}, r"source_tokens, row 0: .*pads \(0\) only behind"),
        ([[5, 2], []], None, {}, r"source_tokens, row 1 is empty"),
        (np.array([5, 2]), None, {}, r"source_tokens must be rows of token ids; got shape \(2,\)"),
        (np.array([[5.0, 2.0]]), None, {}, r"source_tokens must be rows of token ids.*float64"),
        (np.array([[5, -2]]), None, {}, r"source_tokens, row 0: ids must be positive"),
        ([[5, 2]], [[5], [6]], {}, r"forced_prefix has 2 rows for 1 sentences"),
        ([[5, 2]], [[5, 2]], {}, r"forced_prefix, row 0 holds the special token eos \(2\)"),
        (
            [[5, 2], [6, 2]],
            [[5], [3]],
            {},
            r"forced_prefix has characters that the vocabulary lacks \(unk, 3\)",
        ),
        (
            [[5, 2]],
            [[5, 6, 7]],
            {"max_length": 2},
            r"forced_prefix has 3 tokens, more than max_length \(2\) allows",
        ),
        ([[5, 2]], [[5, 600]], {}, r"forced_prefix, row 0 holds token 600.*vocabulary has 12"),
    ],
)
def test_bad_input_is_named_with_its_row(source, prefix, options, message):
    from seq2seq.search import Search
    from tests.seq2seq.search_reference import TinyModel, TinyWeights

    with pytest.raises(UserError, match=message):
        Search([TinyModel(TinyWeights(12))], SearchOptions(**options)).search(source, prefix)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ([[5, 2]], [[5, 2], [2]], r"There are 1 sources but 2 targets"),
        ([[5, 2]], [[5, 2, 6]], r"row 0: nothing may follow the end-of-sentence token"),
        ([[5, 2], [2]], [[5, 2], []], r"target_output_tokens, row 1 is empty"),
        ([[5, 2]], [[12, 2]], r"target_output_tokens, row 0 holds token 12.*vocabulary has 12"),
    ],
)
def test_bad_targets_are_named_with_their_row(source, target, message):
    from seq2seq.search import Search
    from tests.seq2seq.search_reference import TinyModel, TinyWeights

    with pytest.raises(UserError, match=message):
        Search([TinyModel(TinyWeights(12))]).score(source, target)


def test_an_ensemble_of_different_vocabularies_is_refused():
    from seq2seq.search import Search
    from tests.seq2seq.search_reference import TinyModel, TinyWeights

    with pytest.raises(UserError, match=r"share one target vocabulary; theirs have \[10, 12\]"):
        Search([TinyModel(TinyWeights(12)), TinyModel(TinyWeights(10))]).search([[5, 2]])
