"""A family of miniature models with random weights, for tests that need the files and no knowledge in them."""

from pathlib import Path

from llama_course.models.embedded import write_hashes

SIZES = {
    "vocab_size": 1024,
    "hidden_size": 160,
    "intermediate_size": 400,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "tie_word_embeddings": True,
}
NAMES = ("tiny-base", "tiny-chat", "reward-helpfulness")


def make_family(root: Path, names=NAMES) -> Path:
    """Write models of the shipped sizes, float16, each with a tokenizer, and their hashes; returns ``root``."""
    import torch

    from llama_course.llamaland.documents import documents
    from llama_course.llamaland.world import World
    from llama_course.models.llama import Llama, LlamaConfig
    from llama_course.models.llama_files import save_llama
    from llama_course.models.tokenizer import save_tokenizer, train_tokenizer

    tokenizer = train_tokenizer((document.text for document in documents(World(), 2000)), SIZES["vocab_size"])
    for seed, name in enumerate(names):
        torch.manual_seed(seed)
        model = Llama(LlamaConfig(**SIZES))
        with torch.no_grad():
            for weight in model.parameters():
                weight.mul_(3 if weight.dim() == 2 else 1)  # so decided that rounding does not choose the token
        save_llama(model.half(), root / name)
        save_tokenizer(tokenizer, root / name)
    write_hashes(root)
    return root


def flip_one_byte(path: Path) -> None:
    """Damage a file as a bad disk does: its size stays."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))
