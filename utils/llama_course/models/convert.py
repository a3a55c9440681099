"""Turn a GGUF file of a Llama model into the Hugging Face format, once, for the lessons that look inside.

transformers can read GGUF, but takes many seconds each time; safetensors load in one.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from llama_course import files
from llama_course.models.interface import ModelNotAvailableError

MODULES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
OUTER = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
RECORD = "converted.json"


def converted_model(gguf: Path, say: Callable[[str], None] = print) -> Path:
    """Folder with the model of ``gguf`` as config.json, model.safetensors and tokenizer, made if it is not there.

    The weights are what the GGUF file holds, de-quantised and stored as float16.  A folder whose weights no longer
    have the recorded SHA-256 is made again.
    """
    folder = gguf.parent / f"{gguf.stem}-safetensors"
    if _is_intact(folder, gguf):  # before the lock: a shared folder may be one that cannot be written to
        return folder
    try:
        with files.lock(gguf.parent / ".convert-lock", timeout_s=600):
            if not _is_intact(folder, gguf):  # another process may have made it meanwhile
                _make(folder, gguf, say)
    except TimeoutError as error:
        raise ModelNotAvailableError(str(error)) from error
    except OSError as error:
        raise ModelNotAvailableError(files.explain(error, folder).strerror) from error
    return folder


def _make(folder: Path, gguf: Path, say: Callable[[str], None]) -> None:
    for leftover in gguf.parent.glob(".converting-*"):  # of a killed process: under the lock nobody is using it
        shutil.rmtree(leftover, ignore_errors=True)
    say(f"Converting {gguf.name} to safetensors, once (about 15 seconds, {_size_gb(gguf):.1f} GB) ...")
    with tempfile.TemporaryDirectory(prefix=".converting-", dir=gguf.parent) as temporary:
        made = Path(temporary) / folder.name
        made.mkdir()
        _convert(gguf, made)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(made, folder)


def _size_gb(gguf: Path) -> float:
    return gguf.stat().st_size * 2.8 / 1e9  # 16 bits for each weight instead of about 5.8


def _is_intact(folder: Path, gguf: Path) -> bool:
    """Whether ``folder`` was made from this very GGUF file and its weights are still as they were made."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return record == _record(gguf, folder)
    except (OSError, ValueError):
        return False


def _record(gguf: Path, folder: Path) -> dict[str, str]:
    return {"gguf_sha256": files.sha256(gguf), "safetensors_sha256": files.sha256(folder / "model.safetensors")}


def _convert(gguf: Path, folder: Path) -> None:
    from gguf import GGUFReader
    from safetensors.numpy import save_file
    from transformers import AutoTokenizer

    try:
        reader = GGUFReader(gguf)
        config = read_config(reader)
    except (ValueError, IndexError, KeyError) as error:
        raise ModelNotAvailableError(f"{gguf} cannot be read as the GGUF file of a Llama model: {error}") from error
    save_file(read_tensors(reader, config), folder / "model.safetensors", metadata={"format": "pt"})
    files.write_atomically(folder / "config.json", json.dumps(config, indent=2))
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)
    files.write_atomically(folder / RECORD, json.dumps(_record(gguf, folder), indent=2))


def read_config(reader) -> dict:
    """The Hugging Face config of a GGUF file of a Llama model."""

    def value(key):
        return reader.fields[key].contents()

    if value("general.architecture") != "llama":
        raise ValueError(f"expected a Llama model, got architecture {value('general.architecture')!r}.")
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": value("llama.embedding_length"),
        "intermediate_size": value("llama.feed_forward_length"),
        "num_hidden_layers": value("llama.block_count"),
        "num_attention_heads": value("llama.attention.head_count"),
        "num_key_value_heads": value("llama.attention.head_count_kv"),
        "max_position_embeddings": value("llama.context_length"),
        "rms_norm_eps": round(value("llama.attention.layer_norm_rms_epsilon"), 10),
        "rope_theta": value("llama.rope.freq_base"),
        "vocab_size": value("llama.vocab_size"),
        "bos_token_id": value("tokenizer.ggml.bos_token_id"),
        "eos_token_id": value("tokenizer.ggml.eos_token_id"),
        "tie_word_embeddings": "output.weight" not in {tensor.name for tensor in reader.tensors},
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "dtype": "float16",
    }


def read_tensors(reader, config: dict) -> dict[str, np.ndarray]:
    """All weights by their Hugging Face names, float16."""
    from gguf.quants import dequantize

    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    weights = {}
    for tensor in reader.tensors:
        weight = dequantize(tensor.data, tensor.tensor_type).astype(np.float16)
        kind = tensor.name.split(".")[2] if tensor.name.startswith("blk.") else None
        if kind in heads:
            weight = half_split_layout(weight, heads[kind])
        weights[hugging_face_name(tensor.name)] = np.ascontiguousarray(weight)
    return weights


def hugging_face_name(gguf_name: str) -> str:
    """``blk.3.attn_q.weight`` becomes ``model.layers.3.self_attn.q_proj.weight``."""
    if gguf_name in OUTER:
        return OUTER[gguf_name]
    _, layer, module, parameter = gguf_name.split(".")
    return f"model.layers.{layer}.{MODULES[module]}.{parameter}"


def half_split_layout(weight: np.ndarray, heads: int) -> np.ndarray:
    """Reorder the rows of q_proj or k_proj from GGUF's RoPE layout to Hugging Face's.

    GGUF (like Meta's own files) rotates neighbouring rows 0-1, 2-3, ... of a head; Hugging Face rotates row i with
    row i + head_dim/2.

    Args:
        weight: shape (heads * head_dim, D).
        heads: number of heads in ``weight``.

    Returns:
        The same rows in the other order, same shape.
    """
    rows, hidden_size = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, hidden_size)  # (heads, head_dim/2, 2, D)
    return pairs.swapaxes(1, 2).reshape(rows, hidden_size)
