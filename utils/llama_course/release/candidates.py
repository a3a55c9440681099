"""The model that is to be released: one of the family, or a folder of your own, looked at before it is measured."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llama_course import files, paths
from llama_course.models.catalog import find_card
from llama_course.models.embedded import checkpoint_folder, checkpoint_names
from llama_course.models.interface import ModelNotAvailableError
from llama_course.models.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from llama_course.models.llama import Llama
    from llama_course.models.miniature import MiniatureModel

FAMILY_TOKENIZER = "tiny-base"  # all of the family have the same
FEWEST_CONTEXT_TOKENS = 256  # the longest question of the tests, in the chat format, and its answer
NEEDED = ("config.json", "model.safetensors")


class CandidateError(ValueError):
    """This cannot be released; the message says why, and what to do."""


@dataclass(frozen=True)
class Candidate:
    """A model that may be released, and what identifies it."""

    name: str  # of the family member, or of the folder; never its place on a computer
    model: "Llama" = field(repr=False, compare=False)
    tokenizer: Any = field(repr=False, compare=False)  # a tokenizers.Tokenizer
    parameters: int
    context_tokens: int
    file_bytes: int  # of the weights
    sha256: str  # of the weights: the report is about exactly these
    has_own_tokenizer: bool = True  # False: none lay in the folder, and the family's fits

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.parameters:,} parameters, {self.context_tokens:,} tokens of context, "
            f"{self.file_bytes / 1e6:.1f} MB, SHA-256 {self.sha256}"
        )

    def chat_model(self) -> "MiniatureModel":
        """The same model as one to chat with."""
        from llama_course.models.miniature import MiniatureModel

        return MiniatureModel(replace(find_card("tiny-chat"), name=self.name), self.model, self.tokenizer)


def candidate(name_or_folder: str | Path) -> Candidate:
    """Open a model that is to be released.

    Args:
        name_or_folder: a name of the family such as "tiny-chat", or a folder with config.json and model.safetensors
            (``save_llama`` of ``models.llama_files`` writes them).  The tokenizer comes from the folder
            (``save_tokenizer``); where none lies there, the family's is taken if it fits.

    Raises:
        CandidateError: it is missing, damaged, or not a chat model of ours, with what to do.
    """
    folder = _folder(name_or_folder)
    model = _weights(folder)
    own = (folder / "tokenizer.json").is_file()
    try:
        tokenizer = load_tokenizer(folder if own else checkpoint_folder(FAMILY_TOKENIZER))
    except (ValueError, OSError) as error:
        raise CandidateError(f"{folder.name}: {_short(error, folder)} Save it again with save_tokenizer.") from error
    if tokenizer.get_vocab_size() != model.config.vocab_size:
        whose = "its tokenizer" if own else "the family's tokenizer (there is none in the folder)"
        raise CandidateError(
            f"{folder.name}: the model's vocabulary has {model.config.vocab_size:,} tokens and {whose} "
            f"{tokenizer.get_vocab_size():,}. Put the tokenizer it was trained with into the folder: save_tokenizer."
        )
    if model.config.max_position_embeddings < FEWEST_CONTEXT_TOKENS:
        raise CandidateError(
            f"{folder.name}: its context holds {model.config.max_position_embeddings} tokens; the tests need "
            f"{FEWEST_CONTEXT_TOKENS}. A model of another shape cannot be measured with them."
        )
    weights = folder / "model.safetensors"
    return Candidate(
        name=folder.name,
        model=model,
        tokenizer=tokenizer,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        context_tokens=model.config.max_position_embeddings,
        file_bytes=weights.stat().st_size,
        sha256=files.sha256(weights),
        has_own_tokenizer=own,
    )


def _folder(name_or_folder: str | Path) -> Path:
    """Where it lies; a family member is compared with its list of hashes first."""
    if not isinstance(name_or_folder, str | Path) or not str(name_or_folder).strip():
        raise CandidateError(f"expected a name such as 'tiny-chat' or a folder, got {name_or_folder!r:.60}.")
    try:
        if str(name_or_folder) in checkpoint_names():
            return checkpoint_folder(str(name_or_folder))
        family = ", ".join(name for name in checkpoint_names() if not name.startswith("reward-"))
    except ModelNotAvailableError as error:
        raise CandidateError(_short(error, paths.checkpoints_dir())) from error
    try:
        folder = Path(name_or_folder).expanduser().resolve()
        is_folder = folder.is_dir()
    except (OSError, ValueError, RuntimeError):  # too long a name, a NUL in it, the home of nobody
        folder, is_folder = Path(name_or_folder), False
    if not is_folder:
        raise CandidateError(
            f"there is no model {folder.name!r:.60}: it is no folder, and none of {family}. "
            "Save yours with save_llama(model, folder), and give that folder."
        )
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise CandidateError(
            f"{folder.name}: expected {' and '.join(NEEDED)}, got no {' and no '.join(missing)}. "
            "Save the model into it with save_llama(model, folder)."
        )
    others = sorted(path.name for path in folder.glob("model*.safetensors") if path.name != "model.safetensors")
    if others:  # they would be loaded as parts of it, and the fingerprint is that of one file
        raise CandidateError(
            f"{folder.name}: beside model.safetensors lies {others[0]}, and nobody could tell which weights were "
            "measured. Keep one of them."
        )
    return folder


def _weights(folder: Path) -> "Llama":
    import torch

    from llama_course.models.llama_files import load_llama

    is_reward_model = "SequenceClassification" in (folder / "config.json").read_text(encoding="utf-8", errors="replace")
    if is_reward_model:
        raise CandidateError(
            f"{folder.name} is a reward model: it gives a number and no answer. Release a model that talks, such as "
            "tiny-chat."
        )
    try:
        model = load_llama(folder)
        with torch.no_grad():
            model(torch.tensor([[0]]))  # sizes that fit the weights may still be no numbers
    except (ValueError, OSError, RuntimeError, TypeError, AttributeError) as error:
        if _has_adapters(folder / "model.safetensors"):
            raise CandidateError(
                f"{folder.name}: the weights have LoRA's adapters beside them. Merge first, merge_lora(model) of "
                "llama_course.training.lora, then save it again with save_llama."
            ) from error
        raise CandidateError(
            f"{folder.name} cannot be loaded: {_short(error, folder)} Save it again with save_llama, or copy it anew."
        ) from error
    broken = [name for name, weight in model.named_parameters() if not torch.isfinite(weight).all()]
    if broken:
        raise CandidateError(
            f"{folder.name}: {broken[0]} holds numbers that are infinite or none at all (NaN). A training with too "
            "high a learning rate leaves that; release the state before it."
        )
    return model


def _has_adapters(weights: Path) -> bool:
    """Whether the list of tensors at the head of the file names LoRA's."""
    with open(weights, "rb") as file:
        return b".lora_A" in file.read(1_000_000)


def _short(error: Exception, folder: Path) -> str:
    """The error's text without places on this computer."""
    text = str(error).strip()
    for place in (str(folder), str(folder.parent), str(paths.checkpoints_dir())):
        text = text.replace(f"{place}/", "").replace(f"{place}\\", "").replace(place, folder.name)
    return text if text.endswith(".") else f"{text}."
