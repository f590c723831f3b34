"""Make the shortlist of a trained run, with which it translates faster.

    python -m seq2seq.make_shortlist runs/multi30k_en_de
    python translate.py --model runs/multi30k_en_de --shortlist

Which target tokens translate a source token is learnt from the run's own training pairs, by the word aligner
of `data/word_aligner.py` on pieces. See `shortlist.py`.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from data.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from seq2seq.run_directory import RunDirectory

    LexicalTable = tuple[np.ndarray, np.ndarray, np.ndarray]

FREQUENT = 200
CANDIDATES = 20


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code.

    Raises:
        UserError: there is no run, it is a shipped model, or its training pairs were deleted.
    """
    options = _parse_arguments(arguments)
    from data.atomic import check_can_write
    from seq2seq.shipped_models import find_run
    from seq2seq.shortlist import build_shortlist

    run = find_run(options.run)
    if run.is_shipped:
        raise UserError(
            f"{options.run} is a shipped model. A shortlist is learnt from training pairs, which do not "
            "ship, and nothing is written into a shipped model. Give a run that was trained here."
        )
    check_can_write(run.shortlist_file)
    tokenizers = run.tokenizers
    table, target_counts = _learn(run, options.rounds)
    shortlist = build_shortlist(
        table,
        target_counts,
        tokenizers.source.vocabulary_size,
        frequent=options.frequent,
        candidates=options.candidates,
    )
    shortlist.save(run.shortlist_file)
    print(
        f"{run.shortlist_file}: {len(shortlist.frequent):,} tokens for every sentence, up to "
        f"{options.candidates} more for each of its tokens, out of {shortlist.vocabulary_size:,}.\n"
        f"Use it: python translate.py --model {run.path} --shortlist"
    )
    return 0


def _learn(run: RunDirectory, rounds: int) -> tuple[LexicalTable, np.ndarray]:
    """t(target token | source token) of the run's training pairs, and how often each target token occurs."""
    import numpy as np

    from data.pair_store import PairStore
    from data.token_rows import TokenRows
    from data.word_aligner import AlignerSettings, train_aligner
    from seq2seq.line_progress import line_progress

    folder = run.data_folder / "train"
    if not folder.is_dir():
        raise UserError(
            f"{folder} does not exist: a shortlist is learnt from the training pairs that train.py leaves "
            "there. Copy them back, or train again."
        )
    with PairStore(folder) as store:
        pairs = store.read(range(len(store)))
    pairs += _typed_carelessly(run, pairs)
    tokenizers = run.tokenizers
    source = TokenRows.from_lists(tokenizers.source.encode_batch([each for each, _ in pairs]), np.int32)
    target = TokenRows.from_lists(tokenizers.target.encode_batch([each for _, each in pairs]), np.int32)
    settings = AlignerSettings(diagonal_rounds=rounds, jump_rounds=0, agreement=False)
    with line_progress("Learning translations of tokens", rounds) as advance:
        aligner = train_aligner(source, target, settings, lambda done, _: advance() if done else None)
    counts = np.bincount(target.tokens, minlength=tokenizers.target.vocabulary_size)
    return aligner.lexical_table(), counts


def _typed_carelessly(run: RunDirectory, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs that training read otherwise now and then: the pieces of capitals have translations, too."""
    import numpy as np

    from seq2seq.evaluated_system import languages_of
    from seq2seq.training_data import careless_typing

    typing = careless_typing(run.config, languages_of(run)[0] or "")
    if typing is None:
        return []
    typed = typing.type([source for source, _ in pairs], np.random.default_rng(run.config.seed))
    return [(text, pairs[place][1]) for place, text in typed.items()]


def _parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    from seq2seq.command_options import at_least, new_parser

    parser = new_parser(
        "python -m seq2seq.make_shortlist",
        None,
        "Learn from a run's training pairs which target tokens a source token may become.",
    )
    parser.add_argument("run", metavar="RUN", help="directory of a trained run")
    parser.add_argument(
        "--frequent",
        type=at_least(1),
        default=FREQUENT,
        metavar="N",
        help="tokens that every sentence may use (%(default)s)",
    )
    parser.add_argument(
        "--candidates",
        type=at_least(1),
        default=CANDIDATES,
        metavar="K",
        help="tokens that each source token adds (%(default)s)",
    )
    parser.add_argument(
        "--rounds", type=at_least(1), default=5, metavar="N", help="of learning (%(default)s)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    from seq2seq.startup import prepare_environment, run_command

    prepare_environment()
    run_command(main)
