"""Writes a tiny model as a GGUF file: one that only knows which character follows which.

Its architecture is that of Llama, its tokens are bytes. The one layer does nothing, embeddings are
unit vectors, and the last matrix holds the logits of the next byte by the last one. So it says a
word, drawn by its seed from those without a letter twice, and it closes what it has opened: a
server that holds it to a JSON schema gets an object from it, and one that does not gets the word.

It runs in the environment of the server (packages ``gguf`` and ``numpy``):

    python tiny_model.py FILE SEED
"""

from __future__ import annotations

import math
import random
import sys

import gguf
import numpy as np

SPECIAL = ("<unk>", "<s>", "</s>")
BYTES = 256
SIZE = 288  # of an embedding: more than there are tokens, and a multiple of 32
HIDDEN = 32
CONTEXT = 8192
UNLIKELY = -30.0
# A model of one's own may have any template; ours is the plainest.
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "
WORDS = ("journal", "budgets", "workers", "lanes", "history", "clouds")
# What follows a character where a grammar leaves a choice, the likeliest first. An array gets one
# item, and is closed.
FOLLOWED = {'"': ":]},", "[": '"{', "{": '"', "]": "},", "}": "],", ":": '"[{', ",": '"{', ".": '"'}


def logits(seed: int) -> np.ndarray:
    """Of the next byte (column) by the last one (row)."""
    chance = np.random.default_rng(seed)
    table = UNLIKELY / 2 + chance.random((BYTES, BYTES))
    word = random.Random(seed).choice([w for w in WORDS if len(set(w)) == len(w)]) + "."
    for last, following in zip('"' + word, word, strict=False):
        table[ord(last), ord(following)] = 12.0
    for last, choices in FOLLOWED.items():
        for rank, following in enumerate(choices):
            table[ord(last), ord(following)] = 10.0 - rank
    for digit in "0123456789":  # the end of a name like p1
        table[ord(digit), ord('"')] = 10.0
    return table


def main() -> None:
    path, seed = sys.argv[1], int(sys.argv[2])
    writer = gguf.GGUFWriter(path, "llama")
    write_facts(writer)
    for name, values in tensors(seed).items():
        writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_facts(writer: gguf.GGUFWriter) -> None:
    tokens = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(BYTES))]
    unknown, control, byte = (gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.BYTE)
    writer.add_name("one character after the other")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(SIZE)
    writer.add_block_count(1)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(SIZE)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([unknown, control, control, *[byte] * BYTES])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)


def tensors(seed: int) -> dict[str, np.ndarray]:
    """The weights by name. The norm of a unit vector is the root of its size, which is undone."""
    count, first = len(SPECIAL) + BYTES, len(SPECIAL)
    output = np.full((count, SIZE), UNLIKELY)
    output[first:, first:count] = logits(seed).T
    nothing = dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), (SIZE, SIZE))
    nothing |= {"ffn_gate": (HIDDEN, SIZE), "ffn_up": (HIDDEN, SIZE), "ffn_down": (SIZE, HIDDEN)}
    return {
        "token_embd.weight": np.eye(count, SIZE),
        "output_norm.weight": np.ones(SIZE),
        "output.weight": output / math.sqrt(SIZE),
        "blk.0.attn_norm.weight": np.ones(SIZE),
        "blk.0.ffn_norm.weight": np.ones(SIZE),
        **{f"blk.0.{name}.weight": np.zeros(shape) for name, shape in nothing.items()},
    }


if __name__ == "__main__":
    main()
