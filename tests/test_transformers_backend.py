"""The transformers backend against transformers' own generate and torch's own loss, and against llama.cpp."""

import errno
import importlib.util
import math
import threading

import numpy as np
import pytest

from hub_repository import make_repository
from llama_course import hardware
from llama_course.evaluation.perplexity import perplexity
from llama_course.hardware import Device, Fit
from llama_course.models import transformers_backend
from llama_course.models.catalog import find_card
from llama_course.models.convert import converted_model
from llama_course.models.interface import ModelNotAvailableError, PromptTooLongError
from llama_course.models.loading import load_model
from llama_course.models.transformers_backend import TransformersModel, placed
from tiny_gguf import write_tiny_gguf

SENTENCES = [
    "The capital of France is Paris, and it is a very old city.",
    "A llama 🦙 eats grass. مرحبا",
    "def add(a, b):\n    return a + b",
]


@pytest.fixture(scope="module")
def model():
    model = load_model("smollm2-135m-instruct", "transformers")
    yield model
    model.close()


@pytest.fixture(scope="module")
def llama_cpp():
    model = load_model("smollm2-135m-instruct", "llama.cpp")
    yield model
    model.close()


@pytest.fixture
def tiny(tmp_path):
    write_tiny_gguf(tmp_path / "tiny.gguf")
    return load_model(converted_model(tmp_path / "tiny.gguf", say=lambda line: None))


def own_generate(model, token_ids, max_new_tokens):
    """transformers' own greedy continuation, as text."""
    import torch

    ids = torch.tensor([token_ids], device=model.model.device)
    out = model.model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=max_new_tokens, pad_token_id=0
    )
    return model.tokenizer.decode(out[0, len(token_ids) :], skip_special_tokens=True)


def test_greedy_text_equals_that_of_transformers_generate(model):
    prompt = [token.id for token in model.tokenize("Once upon a time")]
    assert model.complete("Once upon a time", temperature=0, max_new_tokens=12) == own_generate(model, prompt, 12)


def test_greedy_chat_equals_the_chat_template_and_generate(model):
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    ids = model.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    assert model.chat(messages, temperature=0, max_new_tokens=12) == own_generate(model, ids, 12)
    assert model.count_tokens(messages) == len(ids)


@pytest.mark.parametrize("text", SENTENCES)
def test_log_probabilities_equal_torch_s_cross_entropy(model, text):
    import torch

    scored = model.log_probabilities(text)
    ids = torch.tensor([[entry.token.id for entry in scored]])
    with torch.no_grad():
        loss = model.model(ids, labels=ids).loss
    assert scored[0].log_prob is None
    assert math.log(perplexity(scored)) == pytest.approx(float(loss), abs=1e-4)


@pytest.mark.parametrize("text", SENTENCES)
def test_log_probabilities_agree_with_llama_cpp_on_the_same_weights(model, llama_cpp, text):
    ours, theirs = model.log_probabilities(text), llama_cpp.log_probabilities(text)
    assert [entry.token for entry in ours] == [entry.token for entry in theirs]
    difference = np.array([a.log_prob - b.log_prob for a, b in zip(ours[1:], theirs[1:], strict=True)])
    assert np.abs(difference).max() < 0.6  # llama.cpp rounds activations to 8 bits and the cache to 16
    assert abs(difference.mean()) < 0.1


def test_next_token_probabilities_agree_with_llama_cpp(model, llama_cpp):
    ours, theirs = (m.next_token_probabilities("The capital of France is", 3) for m in (model, llama_cpp))
    assert ours[0].token == theirs[0].token
    assert ours[0].probability == pytest.approx(theirs[0].probability, abs=0.03)


def test_both_backends_count_the_same_prompt_tokens(model, llama_cpp):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi 🦙"}]
    assert model.count_tokens(messages) == llama_cpp.count_tokens(messages)
    assert model.count_tokens("Hi") == llama_cpp.count_tokens("Hi")


@pytest.mark.parametrize("text", ["Hello world", " two  spaces\n", "🦙 مرحبا שלום 라마", "<|im_start|>[INST]", "2023"])
def test_both_backends_cut_a_text_alike(model, llama_cpp, text):
    assert model.tokenize(text) == llama_cpp.tokenize(text)
    assert b"".join(token.bytes for token in model.tokenize(text)) == text.encode("utf-8")


def test_probabilities_of_the_whole_vocabulary_sum_to_1(model):
    every = model.next_token_probabilities("Hello", model.model.config.vocab_size)
    assert len(every) == model.model.config.vocab_size
    assert sum(entry.probability for entry in every) == pytest.approx(1, abs=1e-6)


def test_the_first_most_probable_token_is_the_greedy_one(model):
    best = model.next_token_probabilities("The capital of France is", 1)[0].token.text
    assert model.complete("The capital of France is", temperature=0, max_new_tokens=1) == best


def test_the_same_seed_gives_the_same_text_and_others_differ(tiny):
    texts = [tiny.complete("xab", seed=seed, max_new_tokens=8, temperature=1.5, top_p=1) for seed in (1, 1, 2, 3)]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 3


def test_pieces_add_up_and_false_stops(model):
    pieces = []
    text = model.complete("🦙🦙🦙🦙", temperature=0, max_new_tokens=6, on_token=pieces.append)
    assert "".join(pieces) == text != ""
    assert "�" not in text
    pieces = []
    text = model.stream("Count to ten.", lambda piece: pieces.append(piece) or len(pieces) < 3, temperature=0)
    assert len(pieces) == 3
    assert text == "".join(pieces)


def test_an_error_in_the_callback_reaches_the_caller_and_the_model_goes_on(model):
    with pytest.raises(ZeroDivisionError):
        model.stream("Hello", lambda piece: 1 / 0)
    assert model.complete("The capital of France is", temperature=0, max_new_tokens=1) == " Paris"


def test_two_threads_do_not_mix(tiny):
    alone = {p: tiny.complete(p, temperature=0, max_new_tokens=10) for p in ("xab", "q#1")}
    together = {}
    threads = [
        threading.Thread(target=lambda p=p: together.update({p: tiny.complete(p, temperature=0, max_new_tokens=10)}))
        for p in alone
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_a_full_context_is_refused(tiny):
    with pytest.raises(PromptTooLongError):
        tiny.complete("x" * 100_000)


def test_a_closed_model_says_so(tiny):
    tiny.close()
    for ask in (tiny.chat, tiny.complete, tiny.tokenize, tiny.next_token_probabilities, tiny.log_probabilities):
        with pytest.raises(ModelNotAvailableError, match=r"was closed. Load it again"):
            ask("Hi")


def test_a_sentencepiece_vocabulary_is_not_read_as_byte_level_symbols():
    class SentencePieces:
        all_special_ids = (0,)
        pieces = ("<s>", "▁the", "aña", "é", "<0xED>", "Ġ")

        def get_vocab(self):
            return {piece: i for i, piece in enumerate(self.pieces)}

        def convert_ids_to_tokens(self, token_id):
            return self.pieces[token_id]

    vocabulary = SentencePieces()
    byte_level = transformers_backend._is_byte_level(vocabulary)
    read = [transformers_backend._token_bytes(vocabulary, i, byte_level) for i in range(6)]
    assert read == [b"<s>", b" the", "aña".encode(), "é".encode(), b"\xed", "Ġ".encode()]


# -- large models ------------------------------------------------------------------------------------------------------

T4 = Device("cuda", "float16", "Tesla T4: no bfloat16")


@pytest.fixture
def repository(tmp_path):
    return make_repository(tmp_path / "hub")


def test_a_fit_becomes_what_from_pretrained_is_told(monkeypatch):
    import torch

    monkeypatch.setattr(hardware, "free_memory_by_gpu", lambda: {0: 5, 1: 6})
    assert placed(Fit(Device("cpu", "bfloat16", ""), 16, 1, 2)) == {}
    assert placed(Fit(T4, 16, 1, 2, 1)) == {"device_map": {"": 0}}
    assert placed(Fit(T4, 16, 1, 2, 2)) == {"device_map": "auto", "max_memory": {0: 5, 1: 6}}
    options = placed(Fit(T4, 4, 1, 2, 1))
    config = options["quantization_config"]
    assert options["device_map"] == {"": 0}
    assert (config.load_in_4bit, config.bnb_4bit_quant_type, config.bnb_4bit_use_double_quant) == (True, "nf4", True)
    assert config.bnb_4bit_compute_dtype is torch.float16


def test_numbered_shards_are_loaded_in_the_format_of_the_fit(repository):
    model = TransformersModel(
        find_card("llama-2-7b-chat"), repository, 64, Fit(Device("cpu", "bfloat16", ""), 16, 1, 2)
    )
    assert str(model.model.dtype) == "torch.bfloat16"
    assert len(list(repository.glob("model-*-of-*.safetensors"))) > 1
    assert model.text_start == (1,)
    assert model.chat("Luma", max_new_tokens=3, temperature=0) is not None


@pytest.mark.parametrize(
    "damage", ["a shard missing", "a shard cut short", "no weights", "no tokenizer", "half a config", "other sizes"]
)
def test_a_half_written_folder_is_a_sentence(repository, damage):
    shard = min(repository.glob("model-*.safetensors"))
    config = repository / "config.json"
    if damage == "a shard missing":
        shard.unlink()
    elif damage == "a shard cut short":
        shard.write_bytes(shard.read_bytes()[:-1000])
    elif damage == "no weights":
        for path in repository.glob("model*"):
            path.unlink()
    elif damage == "no tokenizer":
        (repository / "tokenizer.json").unlink()
    else:
        text = config.read_text(encoding="utf-8")
        text = text[:100] if damage == "half a config" else text.replace('"hidden_size": 64', '"hidden_size": 128')
        config.write_text(text, encoding="utf-8")
    with pytest.raises(ModelNotAvailableError, match=r"hub cannot be loaded: (?s:.*)\. Is it whole\? If files"):
        load_model(repository)


@pytest.mark.parametrize("kind", ["torch", "cpu", "windows", "apple", "cublas", "python", "system"])
@pytest.mark.parametrize("moment", ["loading", "reading", "scoring"])
def test_running_out_of_memory_is_a_sentence_with_the_estimate_and_the_next_choice(
    repository, monkeypatch, moment, kind
):
    import torch
    from transformers import AutoModelForCausalLM, LlamaForCausalLM

    errors = {
        "torch": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        "cpu": RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes."),
        "windows": RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4096 bytes."),
        "apple": RuntimeError("MPS backend out of memory (MPS allocated: 10.00 GiB, max allowed: 10.66 GiB)."),
        "cublas": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        "python": MemoryError(),
        "system": OSError(errno.ENOMEM, "Cannot allocate memory"),
    }

    def fail(*arguments, **options):
        raise errors[kind]

    card, fit = find_card("llama-2-7b-chat"), Fit(Device("cpu", "bfloat16", ""), 16, 15.3, 16.0, 1, "Tesla V100")
    if moment == "loading":
        monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", fail)
        ask = lambda: TransformersModel(card, repository, 4096, fit)  # noqa: E731
    else:
        model = TransformersModel(card, repository, 256, fit)
        monkeypatch.setattr(LlamaForCausalLM, "forward", fail)
        ask = {"reading": lambda: model.chat("Hi"), "scoring": lambda: model.log_probabilities("one two")}[moment]
    with pytest.raises(ModelNotAvailableError) as caught:
        ask()
    message = str(caught.value)
    assert message.startswith("Tesla V100 ran out of memory with llama-2-7b-chat; the estimate was 15.3 GiB in 16-bit")
    assert "The next smaller choice: load_model('llama-2-7b-chat', bits=4)" in message


@pytest.mark.parametrize("kind", [RuntimeError, NotImplementedError, ModelNotAvailableError, OSError])
def test_another_error_of_the_library_stays_what_it_is(repository, monkeypatch, kind):
    from transformers import LlamaForCausalLM

    def fail(*arguments, **options):
        raise kind("shapes do not fit")

    model = TransformersModel(find_card("llama-2-7b"), repository, 64, Fit(Device("cpu", "float32", ""), 32, 1, 2))
    monkeypatch.setattr(LlamaForCausalLM, "forward", fail)
    with pytest.raises(kind, match=r"^shapes do not fit$"):
        model.complete("Hi")


def test_log_probabilities_of_a_long_text_equal_torch_s_cross_entropy(repository):
    import torch

    model = load_model(repository, max_context_tokens=256)
    text = "The llama of the village eats grass. " * 40
    ids = model._encode(text * 2)[:300]
    assert len(ids) == 300
    with torch.no_grad():
        logits = model.model(torch.tensor([ids])).logits[0].float()
    np.testing.assert_allclose(model._log_probs(ids), torch.log_softmax(logits, -1).numpy(), atol=1e-6)
    assert model._log_probs(ids[:3]).shape == (3, model.model.config.vocab_size)


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="needs the extra gpu: bitsandbytes")
def test_a_model_really_runs_in_4_bit(tmp_path):
    sizes = {"hidden_size": 256, "intermediate_size": 704, "num_attention_heads": 4, "num_key_value_heads": 2}
    folder = make_repository(tmp_path / "hub", **sizes)
    models = {bits: load_model(folder, bits=bits, max_context_tokens=64) for bits in (32, 4)}
    assert {bits: model.fit.bits for bits, model in models.items()} == {32: 32, 4: 4}
    footprint = {bits: model.model.get_memory_footprint() for bits, model in models.items()}
    assert footprint[4] < 0.25 * footprint[32]
    exact, rounded = (model._log_probs(model._encode("Luma likes fish")) for model in models.values())
    assert 0 < np.abs(exact - rounded).mean() < np.abs(exact - exact.mean(axis=1, keepdims=True)).mean()
    assert isinstance(models[4].chat("Hello", max_new_tokens=3, temperature=0), str)
