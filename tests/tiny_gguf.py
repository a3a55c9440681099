"""A made-up Llama in a GGUF file of a few kilobytes, all of its sizes different, written with gguf's own writer."""

from pathlib import Path

import gguf
import numpy as np

SPECIAL = ["<|endoftext|>", "<s>", "</s>"]
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] + ':' + message['content'] + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
)
INTERMEDIATE_SIZE, LAYERS, ROPE_THETA, CONTEXT = 40, 2, 1234.0, 64
VOCABULARY = len(SPECIAL) + 256 + 1


def write_tiny_gguf(path: Path, *, heads=4, key_value_heads=2, head_dim=6, tied=False, seed=0) -> dict:
    """Write the file and return its weights by their GGUF names, float32 but exact in float16."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_block_count(LAYERS)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(heads * head_dim)
    writer.add_feed_forward_length(INTERMEDIATE_SIZE)
    writer.add_head_count(heads)
    writer.add_head_count_kv(key_value_heads)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(ROPE_THETA)
    writer.add_rope_dimension_count(head_dim)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([*SPECIAL, *byte_symbols(), "ab"])
    writer.add_token_types([gguf.TokenType.CONTROL] * len(SPECIAL) + [gguf.TokenType.NORMAL] * 257)
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)
    rng = np.random.default_rng(seed)
    shapes = tensor_shapes(heads, key_value_heads, head_dim, tied)
    weights = {name: rng.normal(size=shape).astype(np.float16).astype(np.float32) for name, shape in shapes.items()}
    for name, weight in weights.items():
        writer.add_tensor(name, weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return weights


def tensor_shapes(heads, key_value_heads, head_dim, tied) -> dict[str, tuple[int, ...]]:
    hidden, kv = heads * head_dim, key_value_heads * head_dim
    shapes = {"token_embd.weight": (VOCABULARY, hidden), "output_norm.weight": (hidden,)}
    if not tied:
        shapes["output.weight"] = (VOCABULARY, hidden)
    layer = {
        "attn_norm": (hidden,),
        "attn_q": (hidden, hidden),
        "attn_k": (kv, hidden),
        "attn_v": (kv, hidden),
        "attn_output": (hidden, hidden),
        "ffn_norm": (hidden,),
        "ffn_gate": (INTERMEDIATE_SIZE, hidden),
        "ffn_up": (INTERMEDIATE_SIZE, hidden),
        "ffn_down": (hidden, INTERMEDIATE_SIZE),
    }
    for number in range(LAYERS):
        shapes |= {f"blk.{number}.{name}.weight": shape for name, shape in layer.items()}
    return shapes


def byte_symbols() -> list[str]:
    """The 256 characters that byte-level BPE writes bytes with: the printable ones, then from 256 on."""
    printable = [chr(byte) for byte in [*range(33, 127), *range(161, 173), *range(174, 256)]]
    return printable + [chr(256 + number) for number in range(256 - len(printable))]
