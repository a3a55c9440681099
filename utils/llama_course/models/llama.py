"""A Llama in one file, to be read from top to bottom: its sizes, the model, its layers and their parts, generation.

It computes what ``transformers.LlamaForCausalLM`` computes, and its weights have the same names, so that they go from
one to the other as they are (``llama_files`` reads and writes them).  Left out: what Llama 2 does not use (biases,
dropout, stretched RoPE), and attention masks for padding: pad on the right, where no token of the text looks.

Shapes: B batch, T tokens that come in, S tokens in sight (those in the cache as well), D hidden_size, H query heads,
K key/value heads, V vocab_size.

Source: Touvron and others 2023, "Llama 2", arXiv 2307.09288, section 2.2.
"""

import dataclasses
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclasses.dataclass(frozen=True)
class LlamaConfig:
    """The sizes of a Llama, by the names of Hugging Face's config.json; the defaults are those of Llama 2 7B."""

    vocab_size: int = 32_000  # V
    hidden_size: int = 4096  # D, numbers that stand for one token between two layers
    intermediate_size: int = 11_008  # numbers inside the feed-forward part
    num_hidden_layers: int = 32
    num_attention_heads: int = 32  # H
    num_key_value_heads: int = 32  # K; H: multi-head, 1: multi-query, between: grouped-query attention
    max_position_embeddings: int = 4096  # tokens in the context
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10_000.0  # the slowest pair turns once in about 2π · rope_theta tokens
    tie_word_embeddings: bool = False  # one matrix both for reading tokens and for predicting them
    bos_token_id: int | None = 1  # begins a text
    eos_token_id: int | tuple[int, ...] | None = 2  # ends it; generation stops there

    def __post_init__(self):
        sizes = [field.name for field in dataclasses.fields(self) if field.type is int]
        for name in sizes:
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"{name}: expected a whole number of 1 or more, got {getattr(self, name)!r}.")
        D, H, K = self.hidden_size, self.num_attention_heads, self.num_key_value_heads
        if D % H or D // H % 2:
            raise ValueError(f"hidden_size / num_attention_heads: expected an even whole number, got {D} / {H}.")
        if H % K:
            raise ValueError(f"num_key_value_heads: expected a divisor of the {H} attention heads, got {K}.")

    @property
    def head_dim(self) -> int:
        """Numbers in the query, key or value of one head."""
        return self.hidden_size // self.num_attention_heads


LLAMA_2_7B = LlamaConfig()
LLAMA_2_13B = dataclasses.replace(
    LLAMA_2_7B,
    hidden_size=5120,
    intermediate_size=13_824,
    num_hidden_layers=40,
    num_attention_heads=40,
    num_key_value_heads=40,
)
LLAMA_2_70B = dataclasses.replace(
    LLAMA_2_7B,
    hidden_size=8192,
    intermediate_size=28_672,
    num_hidden_layers=80,
    num_attention_heads=64,
    num_key_value_heads=8,
)


def count_parameters(config: LlamaConfig) -> int:
    """Number of weights of a model of these sizes; none is stored, so 70 billion can be counted on a laptop."""
    with torch.device("meta"):
        return sum(weight.numel() for weight in Llama(config).parameters())


# -- the model ---------------------------------------------------------------------------------------------------------


class Llama(nn.Module):
    """A Llama that predicts the next token: logits = lm_head(model(input_ids))."""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.config = config
        self.model = LlamaModel(config)
        self.lm_head = Linear(config.hidden_size, config.vocab_size)
        for weight in self.parameters():
            if weight.dim() == 2:  # the gains of the norms are vectors and start at 1
                nn.init.normal_(weight, std=0.02)
        self.tie_weights()

    def tie_weights(self) -> None:
        """Let lm_head and the embedding be one matrix, where the config says so."""
        if self.config.tie_word_embeddings:
            self.lm_head.weight = self.model.embed_tokens.weight

    def forward(self, input_ids: Tensor, cache: "KVCache | None" = None) -> Tensor:
        """Logits of the token after each token.

        Args:
            input_ids: (B, T), int64.
            cache: what earlier tokens left behind; T more are added.  Only without gradients (``torch.no_grad``).

        Returns:
            (B, T, V): softmax over the last dimension gives the probabilities.

        Raises:
            ValueError: more tokens than the context, or a token that is not in the vocabulary.
        """
        return self.lm_head(self.model(input_ids, cache))

    def generate(
        self,
        input_ids: Tensor,
        max_new_tokens: int,
        *,
        temperature: float = 1.0,
        top_p: float = 1.0,
        seed: int | torch.Generator | None = None,
        eos_token_id: int | tuple[int, ...] | None = None,
        on_token: Callable[[Tensor], bool | None] | None = None,
    ) -> Tensor:
        """Continue texts: predict, draw a token, append it, again.

        Args:
            input_ids: (B, T), int64, prompts of equal length.
            max_new_tokens: at most this many tokens are added.
            temperature: divides the logits; 0 takes the most probable token each time.
            top_p: only the most probable tokens that together have this probability are drawn.
            seed: a number or a generator to repeat the draw; None for torch's own.
            eos_token_id: where a text ends; None for the config's, () for nowhere.
            on_token: called with the (B,) new tokens of each step; returning False stops.

        Returns:
            (B, T + new tokens): prompts and continuations; a text that ended early is filled up with its end token.

        Raises:
            ValueError: prompt and new tokens together are longer than the context.
        """
        batch_size, length = input_ids.shape
        if length < 1 or max_new_tokens < 0:
            raise ValueError(f"expected a prompt and max_new_tokens of 0 or more, got {length} and {max_new_tokens}.")
        generator = torch.Generator(input_ids.device).manual_seed(seed) if isinstance(seed, int) else seed
        ends = self.config.eos_token_id if eos_token_id is None else eos_token_id
        ends = torch.tensor([ends] if isinstance(ends, int) else ends or [], device=input_ids.device)
        ended = torch.zeros_like(input_ids[:, 0], dtype=torch.bool)  # (B,)
        texts = [input_ids]
        with torch.inference_mode():
            cache = KVCache(self, batch_size, length + max_new_tokens)
            for _ in range(max_new_tokens):
                logits = self.next_token_logits(texts[-1], cache)  # prefill: all of the prompt; then decode: one token
                new_ids = sample(logits, temperature, top_p, generator)  # (B,)
                if len(ends):
                    new_ids = torch.where(ended, ends[0], new_ids)
                    ended = ended | (new_ids[:, None] == ends).any(-1)
                texts.append(new_ids[:, None])  # (B, 1)
                stopped = on_token is not None and on_token(new_ids) is False
                if stopped or (len(ends) and ended.all()):
                    break
        return torch.cat(texts, dim=1)  # outside of inference mode, whose tensors could not be used in training

    def next_token_logits(self, input_ids: Tensor, cache: "KVCache") -> Tensor:
        """Read T more tokens into the cache; (B, V) logits of the token after the last one."""
        return self.lm_head(self.model(input_ids, cache)[:, -1])


class LlamaModel(nn.Module):
    """Everything but the prediction: embedding, layers, final norm."""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(LlamaDecoderLayer(config, layer) for layer in range(config.num_hidden_layers))
        self.norm = LlamaRMSNorm(config)
        cos, sin = rope_tables(config)
        self.register_buffer("cos", torch.cat([cos, cos], dim=-1), persistent=False)  # not weights: not in the file
        self.register_buffer("sin", torch.cat([-sin, sin], dim=-1), persistent=False)

    def forward(self, input_ids: Tensor, cache: "KVCache | None" = None) -> Tensor:
        """(B, T) token ids to (B, T, D) hidden states."""
        start = cache.length if cache is not None else 0
        end = start + input_ids.shape[1]
        check_length(end, self.config)
        try:
            hidden_states = self.embed_tokens(input_ids)
        except IndexError as error:  # looking first would cost time at each step
            raise ValueError(
                f"expected token ids from 0 to {self.config.vocab_size - 1}, got {input_ids.min()} to "
                f"{input_ids.max()}: are they from another tokenizer?"
            ) from error
        rope = self.cos[start:end], self.sin[start:end]  # (T, head_dim) each
        for layer in self.layers:
            hidden_states = layer(hidden_states, rope, cache)
        if cache is not None:
            cache.length = end
        return self.norm(hidden_states)


class LlamaDecoderLayer(nn.Module):
    """One layer: x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, config: LlamaConfig, layer: int):
        super().__init__()
        self.input_layernorm = LlamaRMSNorm(config)
        self.self_attn = LlamaAttention(config, layer)
        self.post_attention_layernorm = LlamaRMSNorm(config)
        self.mlp = LlamaMLP(config)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], cache: "KVCache | None") -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), rope, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class LlamaAttention(nn.Module):
    """Tokens look at earlier tokens: softmax(q kᵀ / √head_dim) v, for each query head.

    H / K query heads share one key/value head (grouped-query attention, Ainslie and others 2023, arXiv 2305.13245).
    """

    def __init__(self, config: LlamaConfig, layer: int):
        super().__init__()
        self.layer, self.head_dim = layer, config.head_dim
        key_value_size = config.num_key_value_heads * config.head_dim
        self.q_proj = Linear(config.hidden_size, config.hidden_size)
        self.k_proj = Linear(config.hidden_size, key_value_size)
        self.v_proj = Linear(config.hidden_size, key_value_size)
        self.o_proj = Linear(config.hidden_size, config.hidden_size)

    def forward(self, x: Tensor, rope: tuple[Tensor, Tensor], cache: "KVCache | None") -> Tensor:
        B, T, D = x.shape
        q = self.q_proj(x).view(B, T, -1, self.head_dim).transpose(1, 2)  # (B, H, T, head_dim)
        k = self.k_proj(x).view(B, T, -1, self.head_dim).transpose(1, 2)  # (B, K, T, head_dim)
        v = self.v_proj(x).view(B, T, -1, self.head_dim).transpose(1, 2)  # (B, K, T, head_dim)
        q, k = rotate(q, *rope), rotate(k, *rope)
        if cache is not None:
            k, v = cache.append(self.layer, k, v)  # (B, K, S, head_dim)
        S = k.shape[2]
        mask = None
        if 1 < T < S:  # new token i is at position S - T + i and sees up to there
            mask = torch.ones(T, S, dtype=torch.bool, device=x.device).tril(S - T)
        y = F.scaled_dot_product_attention(q, k, v, mask, is_causal=T == S, enable_gqa=True)  # (B, H, T, head_dim)
        return self.o_proj(y.transpose(1, 2).reshape(B, T, D))


class LlamaMLP(nn.Module):
    """The feed-forward part, SwiGLU: down(silu(gate(x)) · up(x))   (Shazeer 2020, arXiv 2002.05202)."""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.gate_proj = Linear(config.hidden_size, config.intermediate_size)
        self.up_proj = Linear(config.hidden_size, config.intermediate_size)
        self.down_proj = Linear(config.intermediate_size, config.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class LlamaRMSNorm(nn.Module):
    """weight · x / √(mean(x²) + eps), in float32 inside   (Zhang and Sennrich 2019, arXiv 1910.07467)."""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(config.hidden_size))
        self.eps = config.rms_norm_eps

    def forward(self, x: Tensor) -> Tensor:
        x32 = x.float()
        return self.weight * (x32 * torch.rsqrt(x32.pow(2).mean(-1, keepdim=True) + self.eps)).type_as(x)


class Linear(nn.Linear):
    """x Wᵀ: each output is a weighted sum of all inputs; there is no bias in a Llama."""

    def __init__(self, in_features: int, out_features: int):
        super().__init__(in_features, out_features, bias=False)

    def __call__(self, x: Tensor) -> Tensor:
        """Without PyTorch's search for hooks, which takes as long as a small product: hook attention or mlp instead."""
        return F.linear(x, self.weight)


# -- RoPE: a query or key is turned by an angle that grows with its position (Su and others 2021, arXiv 2104.09864) ----


def rope_tables(config: LlamaConfig) -> tuple[Tensor, Tensor]:
    """cos and sin of the angle of each position and pair: position · rope_theta^(-2i / head_dim).

    Returns:
        Two tensors (max_position_embeddings, head_dim/2), float32.
    """
    pairs = torch.arange(0, config.head_dim, 2, device="cpu").float()  # real numbers even if the weights are "meta"
    positions = torch.arange(config.max_position_embeddings, device="cpu").float()
    angles = torch.outer(positions, 1.0 / config.rope_theta ** (pairs / config.head_dim))
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn x (…, T, head_dim) where number i and number i + head_dim/2 are a pair: the half-split layout.

    cos and sin are (T, head_dim): cos, cos and -sin, sin of the tables, so that one line does both halves.
    """
    return x * cos + x.roll(x.shape[-1] // 2, dims=-1) * sin


def rotate_interleaved(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """The same where neighbours 2i and 2i + 1 are a pair: the interleaved layout of Meta's own files."""
    first, second = x[..., 0::2], x[..., 1::2]  # (…, T, head_dim/2)
    return torch.stack([first * cos - second * sin, second * cos + first * sin], dim=-1).flatten(-2)


def interleaved_layout(weight: Tensor, heads: int) -> Tensor:
    """Reorder the rows of a q_proj or k_proj (heads · head_dim, D) from the half-split to the interleaved layout."""
    return weight.unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2)  # (heads, head_dim/2, 2, D) inside


def half_split_layout(weight: Tensor, heads: int) -> Tensor:
    """Back from the interleaved to the half-split layout: what a converter does with Meta's files."""
    return weight.unflatten(0, (heads, -1, 2)).transpose(1, 2).flatten(0, 2)  # (heads, 2, head_dim/2, D) inside


# -- generation --------------------------------------------------------------------------------------------------------


class KVCache:
    """Keys and values of the tokens read so far, so that each new token costs one step and not all of them again."""

    def __init__(self, model: Llama, batch_size: int, max_tokens: int):
        config, weight = model.config, model.lm_head.weight
        check_length(max_tokens, config)
        shape = batch_size, config.num_key_value_heads, max_tokens, config.head_dim
        self.keys = [weight.new_empty(shape) for _ in range(config.num_hidden_layers)]
        self.values = [weight.new_empty(shape) for _ in range(config.num_hidden_layers)]
        self.max_tokens, self.length = max_tokens, 0  # length counts the tokens that every layer has read

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Keep (B, K, T, head_dim) more of a layer; all of its keys and values, (B, K, S, head_dim) each."""
        end = self.length + k.shape[2]
        if end > self.max_tokens:
            raise ValueError(f"expected at most {self.max_tokens} tokens, for which this cache was made, got {end}.")
        self.keys[layer][:, :, self.length : end] = k
        self.values[layer][:, :, self.length : end] = v
        return self.keys[layer][:, :, :end], self.values[layer][:, :, :end]


def check_length(tokens: int, config: LlamaConfig) -> None:
    """Raise ValueError when a text is longer than the context."""
    if tokens > config.max_position_embeddings:
        raise ValueError(
            f"expected at most {config.max_position_embeddings} tokens, the model's context, got {tokens}, "
            "new ones included. Shorten the text, or ask for fewer new tokens."
        )


def sample(logits: Tensor, temperature: float, top_p: float, generator: torch.Generator | None = None) -> Tensor:
    """Draw one token from each row of (B, V) logits; (B,) token ids."""
    if not temperature >= 0 or not 0 < top_p <= 1:
        raise ValueError(f"expected temperature >= 0 and 0 < top_p <= 1, got {temperature} and {top_p}.")
    if temperature == 0:
        return logits.argmax(-1)
    probabilities = torch.softmax(logits.float() / temperature, dim=-1)  # (B, V)
    if top_p < 1:
        ordered, order = probabilities.sort(dim=-1, descending=True)
        before = ordered.cumsum(-1) - ordered  # probability of all tokens that are more probable
        probabilities = torch.zeros_like(probabilities).scatter(-1, order, ordered.where(before < top_p, 0.0))
    return torch.multinomial(probabilities, 1, generator=generator)[:, 0]  # it scales rows to a sum of 1
