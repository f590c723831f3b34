"""The section of a configuration about guided attention."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from seq2seq.config_section import Positive, Section


class GuidedAttentionConfig(Section):
    """A second loss that draws attention to word alignments; see `seq2seq/guided_attention.py`."""

    weight: float = Field(0.0, ge=0, description="of that loss beside cross-entropy; 0 = off")
    decay_epochs: Positive | None = Field(
        None, description="epochs over which the weight falls to 0; null = it stays"
    )
    unaligned: Literal["ignore", "end"] = Field(
        "ignore", description="where target words without a link should look: anywhere, or the source's end"
    )
    alignments: str | None = Field(
        None, description="Pharaoh file, a line for each training pair of the corpus; null = own aligner"
    )
    word_mode: Literal["unicode", "whitespace"] = Field(
        "unicode", description="how that file tells words apart"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> GuidedAttentionConfig:
        if self.word_mode != "unicode" and self.alignments is None:
            raise ValueError("word_mode says how the file `alignments` counts words: give both")
        return self
