"""In what the compared networks differ, in numbers and in words.

The three programs cannot be given exactly the same network. This is how near each gets to the reference, so
that nobody has to guess what part of a ratio is the program and what part is the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Product: TypeAlias = tuple[int, int]  # shape of a weight matrix that one vector is multiplied with


@dataclass(frozen=True)
class Architecture:
    """The matrix products of a network for one target token, and one source token that goes with it.

    Attributes:
        name: the program's name, as in its result file.
        encoder: for each source token, both directions.
        attention: of a source token's state, and of the query.
        decoder: the recurrent cell or cells.
        readout: between the cell and the output layer.
        output: to the vocabulary.
    """

    name: str
    encoder: tuple[Product, ...]
    attention: tuple[Product, ...]
    decoder: tuple[Product, ...]
    readout: tuple[Product, ...]
    output: tuple[Product, ...]

    @property
    def multiplications(self) -> int:
        """Multiplications in the forward pass of teacher forcing, for each target token."""
        products = (*self.encoder, *self.attention, *self.decoder, *self.readout, *self.output)
        return sum(rows * columns for rows, columns in products)


THIS_PROJECT = Architecture(
    "this project",
    encoder=2 * ((256, 3 * 256), (256, 3 * 256)),
    attention=((512, 512), (512, 512)),
    decoder=((256 + 512, 3 * 512), (512, 3 * 512)),
    readout=((512 + 256 + 512, 256),),
    output=((256, 8000),),
)
JOEY_NMT = Architecture(
    "Joey NMT",
    encoder=2 * ((256, 3 * 256), (256, 3 * 256)),
    attention=((512, 512), (512, 512)),
    decoder=((256 + 512, 3 * 512), (512, 3 * 512)),
    readout=((512 + 512, 512),),
    output=((512, 8000),),
)
MARIAN = Architecture(
    "Marian",
    encoder=2 * ((256, 3 * 512), (512, 3 * 512)),
    attention=((1024, 1024), (512, 1024)),
    decoder=((256, 3 * 512), (512, 3 * 512), (1024, 3 * 512), (512, 3 * 512)),
    readout=((256 + 512 + 1024, 256),),
    output=((256, 8000),),
)
ARCHITECTURES = {each.name: each for each in (THIS_PROJECT, JOEY_NMT, MARIAN)}

DIFFERENCES = (
    "The same everywhere: the sentences (16 tokens on both sides, EOS included), batch 64, 2 threads, "
    "vocabulary 8,000, embeddings of 256, untied, one bidirectional GRU layer, a GRU decoder of 512, "
    "additive attention, no dropout, Adam, gradients clipped to a norm of 1. Weights are fresh, outputs as "
    "long as the source.",
    "Joey NMT: its readout is as wide as the decoder, 512 instead of 256, so that the output layer is twice "
    "as large; the readout is fed back into the cell instead of the context; the new state is the query.",
    "Marian: encoder and decoder have one width, so the encoder is 2 × 512 and the attention 1,024; the "
    "decoder has two cells in a step with the attention between them (conditional GRU).",
    "Marian is PyPI's build: element-wise operations compiled for AVX, matrix products by MKL with AVX-512 "
    "where there is any. A Marian compiled for the processor at hand may be faster.",
    "Threads: Joey NMT shares one batch of 64 between two threads. So does this project in training, which "
    "cuts the batch in two parts, a thread each; in search it gives each thread a batch of 64 of its own. "
    "Marian does that in training, too: asynchronous updates. One sentence is translated by one thread, with "
    "Joey NMT by two.",
    "Text: Joey NMT's training and all of Marian read words and look them up; Joey NMT's search and this "
    "project get ids. Marian's greedy search leaves the softmax out.",
    "bfloat16: only the operands of matrix products. Joey NMT has no option for it on a CPU; it gets "
    "PyTorch's `set_float32_matmul_precision('medium')`. Marian has none, and is compared in float32.",
    "Equal lengths leave no padding. On real text padding costs those more who do not sort by length, as "
    "Joey NMT does not.",
)
