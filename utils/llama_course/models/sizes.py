"""How much memory a Llama needs, worked out from its sizes before anything is downloaded."""

import json
from dataclasses import dataclass
from pathlib import Path

GIB = 2**30
BITS = (32, 16, 4)  # per weight: float32, float16 or bfloat16, nf4
NF4_BLOCK = 64  # weights that share a scale
NF4_SCALE_BITS = 8 + 32 / 256  # double quantisation: a scale has 8 bits, and 256 of them share one of 32


@dataclass(frozen=True)
class Shape:
    """The sizes of a Llama, called as in its config.json."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    vocab_size: int = 32_000
    tie_word_embeddings: bool = False

    @property
    def block_weights(self) -> int:
        """Weights of all linear layers inside the blocks: the ones that 4-bit loading quantises."""
        keys_and_values = 2 * self.hidden_size * self.num_key_value_heads * self.head_dim
        attention = 2 * self.hidden_size**2 + keys_and_values
        return self.num_hidden_layers * (attention + 3 * self.hidden_size * self.intermediate_size)

    @property
    def other_weights(self) -> int:
        """Embedding, lm_head and the gains of the norms."""
        matrices = 1 if self.tie_word_embeddings else 2
        return (matrices * self.vocab_size + 2 * self.num_hidden_layers + 1) * self.hidden_size

    @property
    def parameters(self) -> int:
        """All weights."""
        return self.block_weights + self.other_weights

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def cached_numbers_per_token(self) -> int:
        """Numbers that the KV cache keeps for a token: 2 · layers · KV heads · head_dim."""
        return 2 * self.num_hidden_layers * self.num_key_value_heads * self.head_dim


@dataclass(frozen=True)
class MemoryNeed:
    """What a model needs on the device it runs on, in GiB."""

    weights_gib: float
    cache_gib: float  # keys and values of a full context
    working_gib: float  # what is computed while a prompt as long as the context is read

    @property
    def total_gib(self) -> float:
        """All three; what CUDA itself takes (a few hundred MiB) is not in it, nor in the memory a card calls free."""
        return self.weights_gib + self.cache_gib + self.working_gib


SHAPES = {  # published; a model and its chat version have one shape
    "tinyllama-1.1b": Shape(2048, 5632, 22, 32, 4),
    "llama-2-7b": Shape(4096, 11_008, 32, 32, 32),
    "llama-2-13b": Shape(5120, 13_824, 40, 40, 40),
    "llama-2-70b": Shape(8192, 28_672, 80, 64, 8),
}


def shape_of(name: str) -> Shape | None:
    """The published sizes of a model of the catalog; None for one whose sizes are not written down here."""
    return SHAPES.get(name.removesuffix("-chat"))


def shape_in(folder: Path) -> Shape | None:
    """The sizes in a folder's config.json; None if it is missing, or of another kind of model."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if config["model_type"] != "llama" or config.get("quantization_config"):
            return None
        heads = config["num_attention_heads"]
        names = ("hidden_size", "intermediate_size", "num_hidden_layers")
        sizes = [config[name] for name in names] + [heads, config.get("num_key_value_heads") or heads]
        shape = Shape(*sizes, config["vocab_size"], bool(config.get("tie_word_embeddings")))
        return shape if all(isinstance(size, int) and size > 0 for size in (*sizes, shape.vocab_size)) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def weight_bytes(shape: Shape, bits: int) -> float:
    """Bytes of the weights.

    With 32 or 16 bits all of them have that many.  With 4, as bitsandbytes does it: the linear layers of the blocks in
    nf4 with doubly quantised scales, 4 + (8 + 32/256) / 64 bits a weight; embedding, lm_head and norms in 16.

    Args:
        shape: sizes of the model.
        bits: 32, 16 or 4.

    Source: Dettmers et al., arXiv:2305.14314, section 3.
    """
    if bits not in BITS:
        raise ValueError(f"bits must be one of {', '.join(map(str, BITS))}, got {bits!r}.")
    if bits != 4:
        return shape.parameters * bits / 8
    return shape.block_weights * (4 + NF4_SCALE_BITS / NF4_BLOCK) / 8 + shape.other_weights * 2


def memory_need(shape: Shape, bits: int, context_tokens: int) -> MemoryNeed:
    """What the model needs to chat with a full context of ``context_tokens``.

    The cache holds 2 · layers · KV heads · head_dim numbers a token.  The working memory is an estimate of the widest
    moment while T tokens are read at once: three vectors of intermediate_size, eight of hidden_size and the logits for
    each token, and with 4 bits the largest matrix unpacked.  Numbers have 16 bits, with 32-bit weights 32.

    Args:
        shape: sizes of the model.
        bits: per weight: 32, 16 or 4.
        context_tokens: T, prompt and answer together.
    """
    number_bytes = 4 if bits == 32 else 2
    cache = shape.cached_numbers_per_token * context_tokens * number_bytes
    width = 3 * shape.intermediate_size + 8 * shape.hidden_size + shape.vocab_size
    unpacked = shape.hidden_size * shape.intermediate_size if bits == 4 else 0
    working = (width * context_tokens + unpacked) * number_bytes
    return MemoryNeed(weight_bytes(shape, bits) / GIB, cache / GIB, working / GIB)
