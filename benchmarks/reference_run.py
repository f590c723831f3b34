"""A run directory with random weights: enough to measure how fast it answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.made_up_text import generated_pairs
from benchmarks.reference import NetworkSizes, configuration, end_when_allowed

if TYPE_CHECKING:
    from seq2seq.run_directory import RunDirectory

_TOKENIZER_PAIRS = 5000


def write_reference_run(folder: Path, sizes: NetworkSizes) -> RunDirectory:
    """What train.py leaves behind that translate.py needs: configuration, tokenizer and model.

    Translations end as soon as the search lets them.

    Args:
        folder: of the run; made here.
        sizes: of the network and of the joint vocabulary.
    """
    from data.quiet_tensorflow import load_tensorflow_quietly

    load_tensorflow_quietly()
    from data.tokenizer import train_tokenizers
    from seq2seq.run_directory import RunDirectory
    from seq2seq.training import build_model

    run = RunDirectory(folder)
    config = configuration(sizes, data={"source_language": "xx", "target_language": "yy"})
    run.create(config)
    pairs = generated_pairs(_TOKENIZER_PAIRS)
    tokenizers = train_tokenizers(pairs, joint=True, vocabulary_size=sizes.vocabulary)
    tokenizers.save(run.tokenizer_folder)
    end_when_allowed(build_model(config, tokenizers)).save(run.model_file)
    return run


def sentences_of(words: int, count: int) -> list[str]:
    """Made-up source sentences with this many words each."""
    sentences = (source.split() for source, _ in generated_pairs(100 * count, seed=2))
    long_enough = (" ".join(each[:words]) for each in sentences if len(each) >= words)
    return [next(long_enough) for _ in range(count)]
