"""Writes a tiny random model in llama.cpp's format, for ``third_party_server``.

It has llama's architecture with two layers and a token for each printable character; others are
spelt in bytes. Its weights are random but for one thing: tokens that end something (quotes,
brackets, the end of the text) are likelier than others, so that what it writes comes to an end.
It makes no sense. Runs where ``gguf`` is installed, which is not where we are.

    python proofs/tiny_model.py tiny.gguf
"""

from __future__ import annotations

import string
import sys
from collections.abc import Iterator

import gguf
import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float64]

WIDTH, HEADS, LAYERS, INNER, CONTEXT = 32, 2, 2, 64, 65_536
LIKELIER = {'"': 3.0, "]": 4.0, "}": 4.0, "</s>": 2.0, " ": 2.0} | dict.fromkeys(
    string.ascii_lowercase, 1.0
)
# Source: llama.cpp, enum llama_token_type.
NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "


def main() -> None:
    chance = np.random.default_rng(1)
    tokens, kinds = vocabulary()
    writer = gguf.GGUFWriter(sys.argv[1], "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token.replace(" ", "\u2581") for token in tokens])
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(TEMPLATE)
    for name, weights in tensors(chance, tokens):
        writer.add_tensor(name, weights.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def vocabulary() -> tuple[list[str], list[int]]:
    """The tokens, and of what kind each is."""
    special = ["<unk>", "<s>", "</s>"]
    spelt = [f"<0x{byte:02X}>" for byte in range(256)]
    printed = [chr(code) for code in range(32, 127)]
    kinds = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * len(spelt) + [NORMAL] * len(printed)
    return special + spelt + printed, kinds


def tensors(chance: np.random.Generator, tokens: list[str]) -> Iterator[tuple[str, Weights]]:
    """Names and weights; the first number of each token's vector is one, to bias what is said."""

    def drawn(*shape: int) -> Weights:
        return chance.normal(0, 0.05, shape)

    said = drawn(len(tokens), WIDTH)
    said[:, 0] = [LIKELIER.get(token, 0.0) for token in tokens]
    heard = drawn(len(tokens), WIDTH)
    heard[:, 0] = 1.0
    yield "token_embd.weight", heard
    yield "output_norm.weight", np.ones(WIDTH) / WIDTH**0.5
    yield "output.weight", said
    for layer in range(LAYERS):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield f"blk.{layer}.{part}.weight", drawn(WIDTH, WIDTH)
        for part in ("attn_norm", "ffn_norm"):
            yield f"blk.{layer}.{part}.weight", np.ones(WIDTH)
        yield f"blk.{layer}.ffn_gate.weight", drawn(INNER, WIDTH)
        yield f"blk.{layer}.ffn_up.weight", drawn(INNER, WIDTH)
        yield f"blk.{layer}.ffn_down.weight", drawn(WIDTH, INNER)


if __name__ == "__main__":
    main()
