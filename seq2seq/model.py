"""The whole network: encoder, attention and decoder as one Keras model."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.batch_parts import cut, joined
from seq2seq.consistency import consistency_loss, pass_by_pass, twice
from seq2seq.decoder import Decoder, EncodedSource
from seq2seq.decoding_weights import DecodingWeights, decoding_weights, predict, read_out, restricted
from seq2seq.embedding import EmbeddingDropout, TokenEmbedding
from seq2seq.encoder import Encoder
from seq2seq.guided_attention import AttentionGuide
from seq2seq.losses import PAD_ID, TokenCrossEntropy, TokenMetric, real_tokens, refuse_sample_weight
from seq2seq.output_loss import output_losses

TYINGS = ("none", "two-way", "three-way")


@keras.saving.register_keras_serializable(package="seq2seq")
class Seq2SeqModel(keras.Model):
    """Bidirectional GRU encoder, GRU decoder, additive attention (Bahdanau et al. 2014).

    Args:
        source_vocabulary_size: number of source tokens.
        target_vocabulary_size: number of target tokens.
        embedding_units: width of the token embeddings.
        encoder_units: width of each direction of the encoder.
        encoder_layers: number of stacked bidirectional layers.
        decoder_units: width of the decoder's state.
        attention_units: width of the attention's hidden layer.
        readout_units: width of the readout.
        readout: see `Decoder`.
        conditional_gru: see `Decoder`.
        bridge: see `Decoder`.
        layer_normalization: see `GRUCell`.
        tied_embeddings: `"none"`; `"two-way"`: the output layer is the target embedding; `"three-way"`: so
            is the source embedding, which needs a joint vocabulary (Press and Wolf 2017).
        scaled_embeddings: see `TokenEmbedding`.
        embedding_dropout: rate on the entries of both sides' embeddings.
        source_word_dropout: share of source tokens whose embedding is set to zero.
        target_word_dropout: the same for the tokens that the decoder is fed.
        layer_dropout: rate between encoder layers.
        recurrent_dropout: rate of the per-sentence masks on recurrent states.
        memory_dropout: rate on the encoder states that the decoder sees.
        attention_dropout: rate on attention weights.
        readout_dropout: rate before the output layer.
        implementation: of a training step: `"fast"`, with a backward pass of its own, or `"plain"`, with
            TensorFlow's gradient of the loop. Same results; see `recurrence.scan_for`.
        seed: of all dropout masks.

    Call arguments:
        inputs: `(source_tokens, target_input_tokens)`: (batch, source_length) and (batch, target_length),
            int32, 0 = pad. While training with a guide, a third follows, which only the loss looks at:
            where attention should be, (batch, target_length, source_length), see `guided_attention.py`.
        training: whether to apply dropout.

    Returns:
        `{"logits": (batch, target_length, target_vocabulary_size),
        "attention_weights": (batch, target_length, source_length),
        "readout": (batch, target_length, readout_units)}`, and with `training` what the loss adds up,
        `"parts"`. Row i of the weights belongs to the token that
        step i emits. While training with `r_drop`, every sentence is there twice, its copies adjacent.
    """

    def __init__(
        self,
        source_vocabulary_size: int,
        target_vocabulary_size: int,
        embedding_units: int = 256,
        encoder_units: int = 256,
        encoder_layers: int = 1,
        decoder_units: int = 512,
        attention_units: int = 256,
        readout_units: int = 256,
        readout: str = "tanh",
        conditional_gru: bool = False,
        bridge: str = "mean",
        layer_normalization: bool = False,
        tied_embeddings: str = "none",
        scaled_embeddings: bool = False,
        embedding_dropout: float = 0.0,
        source_word_dropout: float = 0.0,
        target_word_dropout: float = 0.0,
        layer_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        memory_dropout: float = 0.0,
        attention_dropout: float = 0.0,
        readout_dropout: float = 0.0,
        implementation: str = "fast",
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        arguments = {
            name: value for name, value in locals().items() if name not in ("self", "kwargs", "__class__")
        }
        super().__init__(**kwargs)
        if tied_embeddings not in TYINGS:
            raise ValueError(f"`tied_embeddings` must be one of {TYINGS}. Received: {tied_embeddings!r}")
        if tied_embeddings == "three-way" and source_vocabulary_size != target_vocabulary_size:
            raise ValueError(
                "Three-way tied embeddings need one vocabulary for both sides. Received: "
                f"source_vocabulary_size={source_vocabulary_size}, "
                f"target_vocabulary_size={target_vocabulary_size}"
            )
        self.arguments = arguments
        self.guide: AttentionGuide | None = None  # set before `compile` to train with guided attention
        self.r_drop = 0.0  # likewise: weight of the consistency loss, see `consistency.py`
        self.batch_parts = 1  # likewise: how many parts of a batch are computed side by side

        def seeded(offset: int) -> int | None:
            return None if seed is None else 1000 * seed + offset

        sizes = embedding_units, scaled_embeddings
        self.target_embedding = TokenEmbedding(target_vocabulary_size, *sizes, name="target_embedding")
        self.source_embedding = (
            self.target_embedding
            if tied_embeddings == "three-way"
            else TokenEmbedding(source_vocabulary_size, *sizes, name="source_embedding")
        )
        self.source_dropout = EmbeddingDropout(embedding_dropout, source_word_dropout, seeded(100))
        self.target_dropout = EmbeddingDropout(embedding_dropout, target_word_dropout, seeded(200))
        self.encoder = Encoder(
            encoder_units,
            embedding_units,
            encoder_layers,
            layer_normalization,
            layer_dropout,
            recurrent_dropout,
            memory_dropout,
            implementation,
            seed=seeded(300),
            name="encoder",
        )
        self.decoder = Decoder(
            target_vocabulary_size,
            decoder_units,
            embedding_units,
            2 * encoder_units,
            attention_units,
            readout_units,
            readout=readout,
            conditional=conditional_gru,
            bridge=bridge,
            layer_normalization=layer_normalization,
            tied_output=tied_embeddings != "none",
            recurrent_dropout=recurrent_dropout,
            attention_dropout=attention_dropout,
            readout_dropout=readout_dropout,
            implementation=implementation,
            seed=seeded(400),
            name="decoder",
        )

    def build(self, _: Any = None) -> None:
        self.target_embedding.build()
        if self.source_embedding is not self.target_embedding:
            self.source_embedding.build()
        self.encoder.build()
        self.decoder.build()
        self.built = True

    def encode(self, source_tokens: Any, training: bool = False) -> EncodedSource:
        """Read the source: (batch, source_length) int32 -> what the decoder needs of it."""
        source_mask = ops.not_equal(source_tokens, PAD_ID)
        embedded = self.source_dropout(self.source_embedding(source_tokens), training=training)
        memory, final_states = self.encoder(embedded, source_mask, training=training)
        return self.decoder.begin(memory, final_states, source_mask)

    def decoding_weights(self) -> DecodingWeights:
        """The weights of `decode_step`, prepared for many steps with products of the present precision."""
        return decoding_weights(self.decoder, self.target_embedding)

    def restricted_weights(self, weights: DecodingWeights, token_ids: Any) -> DecodingWeights:
        """Decoding weights for some of the target tokens alone, see `decoding_weights.restricted`."""
        return restricted(weights, token_ids)

    def decode_step(
        self,
        tokens: Any,
        state: tuple[Any, ...],
        encoded: EncodedSource,
        weights: DecodingWeights,
        pinned_attention: Any | None = None,
    ) -> tuple[Any, Any, Any]:
        """Write one token.

        Args:
            tokens: (rows,), int32: the tokens written last, BOS at first. rows = batch, or batch * beam
                with the beams of a sentence adjacent.
            state: of (rows, decoder_units) each.
            encoded: of `batch` sentences; not repeated for the beams.
            weights: from `decoding_weights`.
            pinned_attention: (rows, source_length), see `Decoder.recurrent_step`.

        Returns:
            `(logits, new_state, attention_weights)`: (rows, target_vocabulary_size), the structure of
            `state`, (rows, source_length).
        """
        state, context, attention_weights = self.decoder.recurrent_step(
            ops.take(weights.token_projections, tokens, axis=0),
            state,
            encoded.source_mask,
            self.decoder.with_memory(weights.step, encoded),
            several_per_sentence=True,
            pinned_attention=pinned_attention,
        )
        readout = read_out(self.decoder, tokens, state[0], context, weights)
        return predict(readout, weights), state, attention_weights

    def call(self, inputs: tuple[Any, ...], training: bool = False) -> dict[str, Any]:
        sources, targets = (cut(tokens, self.batch_parts) for tokens in inputs[:2])
        outputs = [
            self._read_and_write(source_tokens, target_input_tokens, training)
            for source_tokens, target_input_tokens in zip(sources, targets, strict=True)
        ]
        readout, weights = (joined(each) for each in zip(*outputs, strict=True))
        # In a graph the logits cost nothing where nobody uses them, as in training (see `compute_loss`).
        logits = self.decoder.predict(readout, self.target_embedding)
        result = {"logits": logits, "attention_weights": weights, "readout": readout}
        # The losses take the parts one by one: where they are joined, each would wait for the others.
        return {**result, "parts": outputs} if training else result

    def _read_and_write(
        self, source_tokens: Any, target_input_tokens: Any, training: bool
    ) -> tuple[Any, Any]:
        """Readout and attention weights of a part of a batch."""
        if training and self.r_drop > 0:
            source_tokens, target_input_tokens = twice(source_tokens), twice(target_input_tokens)
        encoded = self.encode(source_tokens, training=training)
        embedded = self.target_dropout(self.target_embedding(target_input_tokens), training=training)
        return self.decoder(embedded, encoded, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        if not training:
            return self.loss(y, y_pred["logits"], sample_weight)
        tokens = self._parts_as_read(y)
        y_pred["tokens"] = joined(tokens)  # also for `compute_metrics`, which Keras calls next
        loss = self._token_loss(tokens, y_pred, sample_weight)
        if self.guide is None:
            return loss
        weights = [weights for _, weights in y_pred["parts"]]
        pairs = list(zip(self._parts_as_read(x[2]), weights, strict=True))
        guiding = self.guide.loss(pairs, self.optimizer.iterations)
        return loss + ops.cast(guiding, loss.dtype)

    def _parts_as_read(self, rows: Any) -> list[Any]:
        """What belongs to the sentences of a batch, cut and doubled as they are while training."""
        parts = cut(rows, self.batch_parts)
        return [twice(part) for part in parts] if self.r_drop > 0 else parts

    def _token_loss(self, tokens: list[Any], y_pred: Any, sample_weight: Any) -> Any:
        """Loss of a training step, from the tokens to write of every part."""
        r_drop = self.r_drop
        if self.arguments["implementation"] != "fast" or not isinstance(self.loss, TokenCrossEntropy):
            y = y_pred["tokens"]
            loss = self.loss(y, y_pred["logits"], sample_weight)
            if r_drop > 0:
                consistency = consistency_loss(y_pred["logits"], ops.cast(real_tokens(y), loss.dtype))
                loss += r_drop * ops.cast(consistency, loss.dtype)
            return loss
        refuse_sample_weight(sample_weight)
        kernel, is_transposed = self.decoder.output_kernel(self.target_embedding)
        by_token = pass_by_pass if r_drop > 0 else lambda each: ops.reshape(each, (-1, each.shape[-1]))
        dtype = y_pred["readout"].dtype
        losses = output_losses(
            [by_token(readout) for readout, _ in y_pred["parts"]],
            ops.cast(kernel, dtype),
            ops.cast(self.decoder.output_bias, dtype),
            [ops.reshape(by_token(each[..., None]), (-1,)) for each in tokens],
            self.loss.label_smoothing,
            transpose_kernel=is_transposed,
            r_drop=r_drop,
        )
        y_pred["losses"] = losses  # for `compute_metrics` too
        return losses.loss

    @property
    def metrics(self) -> list[Any]:
        # The guide's own takes in its loss where that is computed; here Keras learns to reset and to show it.
        return [*super().metrics, *([] if self.guide is None else [self.guide.metric])]

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        y = y_pred.get("tokens", y)
        # Keras builds the metrics it was given at their first use, and needs the logits for that.
        built = all(getattr(metric, "built", True) for metric in self.metrics)
        if "losses" not in y_pred or not built:
            return super().compute_metrics(x, y, y_pred["logits"], sample_weight)
        for metric in self.metrics:
            for each in getattr(metric, "metrics", [metric]):
                if isinstance(each, TokenMetric):
                    each.update_from(y, y_pred["losses"])
        return self.get_metrics_result()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.arguments}
