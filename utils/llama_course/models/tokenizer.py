"""A tokenizer of our own: byte-level byte-pair encoding, small enough to be trained in seconds.

As in Llama 2 the markers ``[INST]`` and ``<<SYS>>`` are ordinary text, so a user can type them; only the beginning and
the end of a sequence and the padding are tokens that no text can contain.
"""

from collections.abc import Iterable
from pathlib import Path

PAD, BOS, EOS = "<pad>", "<s>", "</s>"
PAD_TOKEN_ID, BOS_TOKEN_ID, EOS_TOKEN_ID = 0, 1, 2
SMALLEST_VOCABULARY = 3 + 256  # the special tokens, and one token for each byte
# Llama 2's chat format for transformers' apply_chat_template; prompts.llama_2_prompt is the same in Python.
CHAT_TEMPLATE = """\
{%- set system = messages[0]["content"] if messages[0]["role"] == "system" else none -%}
{%- for message in (messages if system is none else messages[1:]) -%}
{%- if message["role"] == "user" -%}
{%- set content = message["content"] -%}
{%- if loop.first and system is not none -%}
{%- set content = "<<SYS>>\n" ~ system ~ "\n<</SYS>>\n\n" ~ content -%}
{%- endif -%}
{{- bos_token ~ "[INST] " ~ content.strip() ~ " [/INST]" -}}
{%- else -%}
{{- " " ~ message["content"].strip() ~ " " ~ eos_token -}}
{%- endif -%}
{%- endfor -%}"""


def _byte_of_symbol() -> dict[str, int]:
    """The table of byte-level BPE: each of the 256 bytes has one printable character that stands for it."""
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    others = [byte for byte in range(256) if byte not in printable]
    symbols = {chr(byte): byte for byte in printable}
    return symbols | {chr(256 + number): byte for number, byte in enumerate(others)}


BYTE_OF_SYMBOL = _byte_of_symbol()


def train_tokenizer(texts: Iterable[str], vocab_size: int = 1024):
    """Learn a byte-level BPE from texts.

    Starting from single bytes, the most frequent pair of neighbours becomes a token, again and again.  Any Unicode text
    can be encoded and comes back unchanged.  The same texts give the same tokenizer.

    Args:
        texts: what to learn from; 10,000 documents are plenty.  A share in the chat format
            makes ``INST`` and ``SYS`` short, and still ordinary text.
        vocab_size: number of tokens, the 3 special ones and the 256 bytes among them.  Short texts give fewer.

    Returns:
        A ``tokenizers.Tokenizer``.  It puts BOS first unless ``add_special_tokens=False``, and reads "</s>" in a text
        as four characters.

    Raises:
        ValueError: ``vocab_size`` below 259, or no text.

    Left out: Llama 2's tokenizer is a SentencePiece BPE of 32,000 tokens which splits numbers into digits and falls
    back to bytes for unknown characters; ours starts from bytes.

    Source: Llama 2, arXiv:2307.09288, section 2.2; byte-level BPE: Radford et al. 2019 (GPT-2), section 2.2.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    if vocab_size < SMALLEST_VOCABULARY:
        raise ValueError(
            f"vocab_size must be at least {SMALLEST_VOCABULARY} (3 special tokens, 256 bytes), got {vocab_size}."
        )
    texts = list(texts)
    if not any(texts):
        raise ValueError("expected texts to learn from, got none.")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, BOS_TOKEN_ID)]
    )
    tokenizer.encode_special_tokens = True
    return tokenizer


def save_tokenizer(tokenizer, folder: str | Path, *, max_context_tokens: int = 512) -> Path:
    """Write ``tokenizer.json`` and ``tokenizer_config.json``, as ``transformers`` loads them.

    With them comes Llama 2's chat format as a template.  A template writes BOS and EOS as text, so it needs
    ``tokenizer.apply_chat_template(messages, tokenizer_kwargs={"split_special_tokens": False})`` to become ids.

    Args:
        tokenizer: what :func:`train_tokenizer` gave.
        folder: where to; it is made.
        max_context_tokens: longest text that the model reads.

    Returns:
        The folder, for ``PreTrainedTokenizerFast.from_pretrained(folder)``.
    """
    import json

    from llama_course.files import write_atomically

    folder = Path(folder)
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BOS,
        "eos_token": EOS,
        "pad_token": PAD,
        "model_max_length": max_context_tokens,
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": True,  # "</s>" in a text is text
        "chat_template": CHAT_TEMPLATE,
    }
    write_atomically(folder / "tokenizer.json", tokenizer.to_str(pretty=True) + "\n")
    write_atomically(folder / "tokenizer_config.json", json.dumps(config, indent=2, sort_keys=True) + "\n")
    return folder


def load_tokenizer(folder: str | Path):
    """The ``tokenizers.Tokenizer`` of a folder that :func:`save_tokenizer` wrote.

    Raises:
        FileNotFoundError: there is no tokenizer.json.
        ValueError: it cannot be read, or its first tokens are not ours.
    """
    from tokenizers import Tokenizer

    path = Path(folder) / "tokenizer.json"
    if not path.is_file():
        raise FileNotFoundError(f"{folder}: expected tokenizer.json, got no such file.")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ValueError(f"{path}: expected a tokenizer, got a file that cannot be read: {error}") from error
    special = [tokenizer.token_to_id(token) for token in (PAD, BOS, EOS)]
    if special != [PAD_TOKEN_ID, BOS_TOKEN_ID, EOS_TOKEN_ID]:
        raise ValueError(f"{path}: expected {PAD}, {BOS} and {EOS} to be tokens 0, 1 and 2, got {special}.")
    tokenizer.encode_special_tokens = True  # the file does not keep it
    return tokenizer
