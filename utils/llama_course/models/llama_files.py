"""Llamas as files in the Hugging Face format: config.json and model.safetensors, which transformers reads as well.

Only safetensors: a file of that kind holds numbers and nothing that could run.
"""

import dataclasses
import json
from pathlib import Path

import torch
from torch import Tensor

from llama_course import files
from llama_course.models.llama import Llama, LlamaConfig

NOT_BUILT = {"attention_bias": False, "mlp_bias": False, "hidden_act": "silu", "model_type": "llama"}


def load_llama(folder: str | Path, dtype: torch.dtype = torch.float32, device: str = "cpu") -> Llama:
    """The model of a folder with config.json and model.safetensors (or its numbered parts), ready for use.

    Args:
        folder: where the files are.
        dtype: what the weights become; float32 computes alike everywhere, 16 bits need half of the memory.
        device: where the weights go.

    Raises:
        ValueError: the config is not of a Llama like ours, or a tensor is missing, unknown or of another shape.
        OSError: a file is missing or cannot be read.
    """
    folder = Path(folder)
    config = read_config(folder)
    with torch.device("meta"):  # shapes only: no time is lost on first weights that are replaced at once
        model = Llama(config)
    tensors = check_tensors(read_tensors(folder, config), model, folder)
    if config.tie_word_embeddings:
        del tensors["lm_head.weight"]  # the same matrix as the embedding: one copy for both
    # copies, because safetensors may still map the file, which then could not be replaced on Windows
    weights = {name: tensor.to(device, dtype, copy=True) for name, tensor in tensors.items()}
    if config.tie_word_embeddings:
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    model.load_state_dict(weights, assign=True)
    model.tie_weights()
    return model.to(device, dtype).eval()


def save_llama(model: Llama, folder: str | Path) -> None:
    """Write config.json and model.safetensors; each file is replaced whole or, if that fails, stays as it was.

    Raises:
        OSError: with what happened (disk full, folder read-only) and what to do.
    """
    from safetensors.torch import save

    weights = {name: weight.detach().cpu().contiguous() for name, weight in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        del weights["lm_head.weight"]  # the same matrix as the embedding
    dtype = str(model.lm_head.weight.dtype).removeprefix("torch.")
    # the weights first: they are what may not fit
    files.write_atomically(Path(folder) / "model.safetensors", save(weights, metadata={"format": "pt"}))
    config = json.dumps(config_to_dict(model.config) | {"dtype": dtype}, indent=2)
    files.write_atomically(Path(folder) / "config.json", config + "\n")


def config_to_dict(config: LlamaConfig) -> dict:
    """What config.json says about a model; transformers 4 and 5 both understand it."""
    return {"architectures": ["LlamaForCausalLM"], **NOT_BUILT, **dataclasses.asdict(config)}


def config_from_dict(data: dict) -> LlamaConfig:
    """The sizes in a config.json.

    Raises:
        ValueError: a size is missing or impossible, or the model has a part that ours does not have.
    """
    for name, ours in NOT_BUILT.items():
        if data.get(name, ours) != ours:
            raise ValueError(f"{name}: expected {ours!r}, the only kind that this Llama has, got {data[name]!r}.")
    data = {"num_key_value_heads": data.get("num_attention_heads")} | data | {"rope_theta": read_rope_theta(data)}
    if isinstance(data.get("eos_token_id"), list):
        data["eos_token_id"] = tuple(data["eos_token_id"])
    fields = dataclasses.fields(LlamaConfig)
    missing = [field.name for field in fields if field.type is int and data.get(field.name) is None]
    if missing:
        raise ValueError(f"expected {', '.join(missing)}, got a config without.")
    config = LlamaConfig(**{field.name: data[field.name] for field in fields if field.name in data})
    if data.get("head_dim") not in (None, config.head_dim):
        raise ValueError(
            f"head_dim: expected hidden_size / num_attention_heads = {config.head_dim}, got {data['head_dim']}."
        )
    return config


def read_rope_theta(data: dict) -> float:
    """rope_theta of a config.json: transformers 5 writes it into rope_parameters, earlier versions beside the sizes.

    Raises:
        ValueError: RoPE is stretched for a longer context, which Llama 2 does not do.
    """
    rope = data.get("rope_parameters") or data.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default":
        raise ValueError(f"rope_type: expected 'default', the only kind that this Llama has, got {kind!r}.")
    return float(rope.get("rope_theta", data.get("rope_theta", 10_000.0)))


def read_config(folder: Path) -> LlamaConfig:
    """The sizes of the model in ``folder``."""
    path = folder / "config.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise ValueError(f"expected an object, got {data!r:.40}.")
        return config_from_dict(data)
    except ValueError as error:  # also of json, and of a text that is not utf-8
        raise ValueError(f"{path}: {error}") from error


def read_tensors(folder: Path, config: LlamaConfig) -> dict[str, Tensor]:
    """All tensors of the model in ``folder`` by name; a tied lm_head is there, too."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    parts = sorted(folder.glob("model*.safetensors"))
    if not parts:
        raise FileNotFoundError(f"{folder}: expected model.safetensors, got no such file.")
    tensors = {}
    for part in parts:
        try:
            tensors |= load_file(part)
        except SafetensorError as error:
            raise ValueError(f"{part}: expected a safetensors file, got one that cannot be read: {error}.") from error
    if config.tie_word_embeddings and "model.embed_tokens.weight" in tensors:
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"]
    return {name: tensor for name, tensor in tensors.items() if not name.endswith("rotary_emb.inv_freq")}  # old files


def check_tensors(tensors: dict[str, Tensor], model: Llama, folder: Path) -> dict[str, Tensor]:
    """Return ``tensors`` if they are those of ``model``, else raise ValueError with the first that is not."""
    expected = {name: tuple(weight.shape) for name, weight in model.state_dict().items()}
    got = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for name in expected | got:
        if expected.get(name) == got.get(name):
            continue
        reason = "The weights and config.json are not of one model."
        if name in ("model.embed_tokens.weight", "lm_head.weight"):
            reason = (
                f"The config has a vocabulary of {model.config.vocab_size}: are these weights of another tokenizer?"
            )
        raise ValueError(
            f"{folder}: tensor {name}: expected {_shape(expected.get(name))}, got {_shape(got.get(name))}. {reason}"
        )
    return tensors


def _shape(shape: tuple[int, ...] | None) -> str:
    return "none" if shape is None else f"shape {shape}"
