#!/usr/bin/env python3
"""Writes a very small Phi-3 with random weights, which llama.cpp serves like a real one.

Run by ``real_model.py`` with an environment of its own. It says nothing sensible, and says it in the same way
as a model that does.
"""

import sys
from typing import Final

import numpy as np
from gguf import GGUFWriter, TokenType

_WIDTH: Final = 64
_HEADS: Final = 4
_INNER: Final = 128
_LAYERS: Final = 2
_CONTEXT: Final = 2048
_SEED: Final = 7


def main() -> None:
    """Write the file that the first argument names."""
    random = np.random.default_rng(_SEED)
    writer = GGUFWriter(sys.argv[1], "phi3")
    writer.add_name("tiny")
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    writer.add_sliding_window(0)
    size = _add_tokens(writer)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, random.normal(0, 0.5, shape).astype(np.float32))

    def add_norm(name: str) -> None:
        writer.add_tensor(name, np.ones(_WIDTH, np.float32))

    add("token_embd.weight", size, _WIDTH)
    add("output.weight", size, _WIDTH)
    add_norm("output_norm.weight")
    for layer in range(_LAYERS):
        block = f"blk.{layer}"
        add_norm(f"{block}.attn_norm.weight")
        add_norm(f"{block}.ffn_norm.weight")
        add(f"{block}.attn_qkv.weight", 3 * _WIDTH, _WIDTH)
        add(f"{block}.attn_output.weight", _WIDTH, _WIDTH)
        add(f"{block}.ffn_up.weight", 2 * _INNER, _WIDTH)
        add(f"{block}.ffn_down.weight", _WIDTH, _INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokens(writer: GGUFWriter) -> int:
    """Add a vocabulary of bytes, letters and a few marks, and return its size."""
    letters = [bytes([code]).decode() for code in range(97, 123)] + ["\u2581"]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{code:02X}>" for code in range(256)), *letters]
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL]
    kinds += [TokenType.BYTE] * 256 + [TokenType.NORMAL] * len(letters)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    return len(tokens)


if __name__ == "__main__":
    main()
