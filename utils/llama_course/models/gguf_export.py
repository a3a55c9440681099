"""Write a Llama from the Hugging Face format into a GGUF file, for llama.cpp and the programs built on it.

A GGUF file is a list of names and values (the sizes, the whole tokenizer, the chat format) and the arrays.  Three
things are easily done wrong, and none of them gives an error: the rows of q_proj and k_proj stand in another order (see
``llama.interleaved_layout``), an embedding that serves as lm_head too is written once, and merges are part of the
tokenizer.

Only what the course's miniatures and SmolLM2 have is written: byte-level BPE, no biases, RoPE as it is.

Source: the GGUF specification, github.com/ggml-org/ggml, docs/gguf.md.
"""

import json
import os
import tempfile
from pathlib import Path

import numpy as np

from llama_course import files
from llama_course.models.convert import MODULES, OUTER
from llama_course.models.interface import ModelNotAvailableError

KINDS = {  # how the numbers of a matrix are kept, and bits for each
    "f32": 32,
    "f16": 16,
    "q8_0": 8.5,  # groups of 32 with a float16 scale
    "q4_0": 4.5,  # the same with 4 bits
    "q4_1": 5,  # 4 bits, a scale and a smallest value
}
GROUP = 32  # neighbours in a row that share a scale, in all of these
GGUF_NAME = {name: gguf for gguf, name in {**OUTER, **MODULES}.items()}
PRE_TOKENIZERS = {("ByteLevel",): "gpt-2", ("Digits", "ByteLevel"): "smollm"}


def export_gguf(folder: str | Path, path: str | Path, kind: str = "f16") -> Path:
    """Write the model of a folder as one GGUF file.

    Args:
        folder: config.json, model.safetensors, tokenizer.json and tokenizer_config.json of a Llama whose tokenizer is
            byte-level BPE: a miniature of the course, or SmolLM2.
        path: the file to write; it is replaced whole or, if that fails, stays as it was.
        kind: "f32", "f16", "q8_0", "q4_0" or "q4_1".  A matrix whose rows are no multiple of 32 is kept as f16 in the
            last three, and the norms are f32 in all.

    Returns:
        The path, for ``load_model(path)``.

    Raises:
        ValueError: an unknown kind, or a model or tokenizer of a sort that is not written here.
        ModelNotAvailableError: the folder holds no model that can be read.
        OSError: with what happened (disk full, folder read-only) and what to do.
    """
    from llama_course.models.inside import open_model

    if kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}.")
    folder, path = Path(folder), Path(path)
    tokenizer = _read_tokenizer(folder)
    model = open_model(folder)
    if len(tokenizer["tokens"]) != model.config.vocab_size:
        raise ValueError(
            f"expected a tokenizer with {model.config.vocab_size} tokens, as many as the model has rows, got "
            f"{len(tokenizer['tokens'])}."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".exporting-", suffix=".gguf", dir=path.parent)
    os.close(handle)
    try:
        _write(Path(temporary), folder.name, model, tokenizer, kind)
        os.replace(temporary, path)
    except OSError as error:
        raise files.explain(error, path) from error
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path


def _write(path: Path, name: str, model, tokenizer: dict, kind: str) -> None:
    from gguf import GGUFWriter, LlamaFileType

    config = model.config
    types = {
        "f32": LlamaFileType.ALL_F32,
        "f16": LlamaFileType.MOSTLY_F16,
        "q8_0": LlamaFileType.MOSTLY_Q8_0,
        "q4_0": LlamaFileType.MOSTLY_Q4_0,
        "q4_1": LlamaFileType.MOSTLY_Q4_1,
    }
    writer = GGUFWriter(path, "llama")
    try:
        writer.add_name(name)
        writer.add_file_type(types[kind])
        writer.add_block_count(config.num_hidden_layers)
        writer.add_context_length(config.max_position_embeddings)
        writer.add_embedding_length(config.hidden_size)
        writer.add_feed_forward_length(config.intermediate_size)
        writer.add_head_count(config.num_attention_heads)
        writer.add_head_count_kv(config.num_key_value_heads)
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
        writer.add_rope_freq_base(config.rope_theta)
        writer.add_rope_dimension_count(config.head_dim)
        writer.add_vocab_size(config.vocab_size)
        _add_tokenizer(writer, tokenizer, config)
        for gguf_name, weight in gguf_weights(model.weights, config):
            data, data_type = _stored(weight, kind)
            writer.add_tensor(gguf_name, data, raw_dtype=data_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def gguf_weights(weights: dict, config):
    """Pairs of GGUF name and float32 array, rows of q_proj and k_proj in GGUF's order; a shared lm_head is left out.

    Args:
        weights: tensors by their Hugging Face names.
        config: a ``LlamaConfig``.
    """
    from llama_course.models.llama import interleaved_layout

    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for name, weight in weights.items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        module = name.split(".")[-2]
        if module in heads:
            weight = interleaved_layout(weight, heads[module])
        yield gguf_name(name), np.ascontiguousarray(weight.float().numpy())


def gguf_name(name: str) -> str:
    """``model.layers.3.self_attn.q_proj.weight`` becomes ``blk.3.attn_q.weight``."""
    if name in GGUF_NAME:
        return GGUF_NAME[name]
    parts = name.split(".")
    return f"blk.{parts[2]}.{GGUF_NAME['.'.join(parts[3:-1])]}.{parts[-1]}"


def _stored(weight: np.ndarray, kind: str):
    """The array as it is written, and its GGUF type."""
    from gguf import GGMLQuantizationType
    from gguf.quants import quantize

    if weight.ndim == 1 or kind == "f32":
        return weight, None
    if kind == "f16" or weight.shape[1] % GROUP:
        return weight.astype(np.float16), None
    data_type = GGMLQuantizationType[kind.upper()]
    return quantize(weight, data_type), data_type


def _add_tokenizer(writer, tokenizer: dict, config) -> None:
    from gguf import TokenType

    special = tokenizer["special"]
    writer.add_tokenizer_model("gpt2")  # byte-level BPE, whoever made it
    writer.add_tokenizer_pre(tokenizer["pre"])
    writer.add_token_list(tokenizer["tokens"])
    writer.add_token_types([TokenType.CONTROL if t in special else TokenType.NORMAL for t in tokenizer["tokens"]])
    writer.add_token_merges(tokenizer["merges"])
    writer.add_add_bos_token(tokenizer["adds_bos"])
    if config.bos_token_id is not None:
        writer.add_bos_token_id(config.bos_token_id)
    ends = [config.eos_token_id] if isinstance(config.eos_token_id, int) else config.eos_token_id or []
    if ends:
        writer.add_eos_token_id(ends[0])  # a GGUF file names one
    if tokenizer["pad"] in special:
        writer.add_pad_token_id(tokenizer["tokens"].index(tokenizer["pad"]))
    if tokenizer["template"]:
        writer.add_chat_template(tokenizer["template"])


def _read_tokenizer(folder: Path) -> dict:
    """What GGUF keeps of a tokenizer."""
    try:
        data = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelNotAvailableError(f"{folder} holds no tokenizer that can be read: {error}") from error
    template = folder / "chat_template.jinja"  # where transformers 5 keeps it
    model = data["model"]
    steps = tuple(step["type"] for step in _steps(data["pre_tokenizer"]))
    if model["type"] != "BPE" or steps not in PRE_TOKENIZERS:
        raise ValueError(f"{folder}: expected a byte-level BPE tokenizer, got {model['type']} after {steps}.")
    added = {token["id"]: token["content"] for token in data["added_tokens"]}
    by_id = {index: token for token, index in model["vocab"].items()} | added
    return {
        "tokens": [by_id[index] for index in range(len(by_id))],
        "special": {token["content"] for token in data["added_tokens"] if token["special"]},
        "merges": [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]],
        "pre": PRE_TOKENIZERS[steps],
        "adds_bos": _adds_bos(data.get("post_processor") or {}),
        "pad": config.get("pad_token"),
        "template": template.read_text(encoding="utf-8") if template.is_file() else config.get("chat_template"),
    }


def _adds_bos(post_processor: dict) -> bool:
    """Whether a text begins with a special token; some files have a template that adds nothing."""
    return "SpecialToken" in next(iter(post_processor.get("single", [])), {})


def _steps(pre_tokenizer: dict | None) -> list[dict]:
    if pre_tokenizer is None:
        return []
    return pre_tokenizer["pretokenizers"] if pre_tokenizer["type"] == "Sequence" else [pre_tokenizer]
