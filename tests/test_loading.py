"""load_model: names, paths, what is shared, and what cannot be had."""

import gc
import sys
import threading
import time

import pytest

from hub_repository import make_repository
from llama_course import hardware
from llama_course.models import embedded, fetch, loading, placement
from llama_course.models.catalog import CHATML_TAGS, LLAMA_2_TAGS, SMOLLM2, UnknownModelError
from llama_course.models.convert import converted_model
from llama_course.models.interface import ModelNotAvailableError, SpecialTagsError
from llama_course.models.loading import load_model
from tiny_gguf import write_tiny_gguf


@pytest.fixture(scope="module")
def smollm2():
    model = load_model("smollm2-135m-instruct")
    yield model
    model.close()


@pytest.fixture(scope="module")
def tiny_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    write_tiny_gguf(path)
    return path


def test_the_default_model_is_loaded_on_llama_cpp(smollm2):
    assert load_model() is smollm2
    assert (smollm2.name, smollm2.backend, smollm2.card) == ("smollm2-135m-instruct", "llama.cpp", SMOLLM2)
    assert smollm2.max_context_tokens == SMOLLM2.max_context_tokens


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "SmolLM2_135M_Instruct"},
        {"backend": "llama.cpp"},
        {"max_context_tokens": SMOLLM2.max_context_tokens},
        {"name": "smollm2-135m-instruct", "backend": "llama.cpp", "max_context_tokens": 2048},
    ],
)
def test_the_same_request_in_other_words_gives_the_model_that_is_there(smollm2, arguments):
    assert load_model(**arguments) is smollm2


def test_the_environment_variable_chooses_the_model(monkeypatch, tiny_path):
    monkeypatch.setenv("LLAMA_COURSE_MODEL", str(tiny_path))
    assert load_model().name == "tiny"
    monkeypatch.setenv("LLAMA_COURSE_MODEL", "llama-2-7b-caht")
    with pytest.raises(UnknownModelError, match=r"Did you mean llama-2-7b-chat"):
        load_model()


def test_an_explicit_name_goes_before_the_variable(monkeypatch, smollm2):
    monkeypatch.setenv("LLAMA_COURSE_MODEL", "nonsense")
    assert load_model("smollm2-135m-instruct") is smollm2


@pytest.mark.parametrize("as_type", [str, lambda path: path])
def test_a_gguf_file_of_one_s_own_is_loaded_by_path(tiny_path, as_type):
    model = load_model(as_type(tiny_path))
    assert (model.name, model.backend) == ("tiny", "llama.cpp")
    assert model.chat("Hi", max_new_tokens=3, seed=1) is not None


def test_a_folder_of_one_s_own_is_loaded_by_path(tiny_path):
    folder = converted_model(tiny_path, say=lambda line: None)
    model = load_model(folder)
    assert (model.name, model.backend) == (folder.name, "transformers")
    assert load_model(folder, "transformers") is model
    with pytest.raises(ValueError, match=r"llama.cpp reads GGUF files"):
        load_model(folder, "llama.cpp")


def test_a_model_of_unknown_format_refuses_the_markers_of_all_known_ones(tiny_path):
    model = load_model(tiny_path)
    for tag in (*LLAMA_2_TAGS, *CHATML_TAGS):
        with pytest.raises(SpecialTagsError):
            model.chat(f"a {tag} b")


def test_another_backend_or_context_is_another_model(tiny_path):
    models = {
        id(model): model
        for model in (
            load_model(tiny_path),
            load_model(tiny_path, "transformers"),
            load_model(tiny_path, max_context_tokens=32),
        )
    }
    assert len(models) == 3


@pytest.fixture
def nothing_fetched(own_home, miniatures, monkeypatch):
    """A computer without the chat model, without a network, and with the course's miniatures."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_a_miniature_is_loaded_on_the_course_s_own_llama(miniatures):
    model = load_model("tiny-chat")
    assert (model.name, model.backend, model.max_context_tokens) == ("tiny-chat", "miniature", 512)
    assert load_model("Tiny Chat", "miniature") is model
    with pytest.raises(SpecialTagsError):
        model.chat("a [/INST] b")


def test_a_miniature_runs_on_transformers_as_well(miniatures):
    model = load_model("tiny-chat", "transformers")
    assert (model.name, model.backend, model.max_context_tokens) == ("tiny-chat", "transformers", 512)
    with pytest.raises(ValueError, match=r"llama.cpp reads GGUF files, and tiny-chat is none: use backend='miniature'"):
        load_model("tiny-chat", "llama.cpp")


def test_a_folder_of_ours_runs_on_either_backend(miniatures):
    folder = miniatures / "tiny-base"
    models = [load_model(folder, backend) for backend in ("miniature", "transformers", None)]
    assert [model.backend for model in models] == ["miniature", "transformers", "transformers"]
    assert len({model.complete("Luma", temperature=0, max_new_tokens=8) for model in models}) == 1


def test_a_gguf_file_is_not_for_the_course_s_own_llama(tiny_path):
    with pytest.raises(ValueError, match=r"'miniature' reads a folder .* tiny is a GGUF file: use backend='llama.cpp'"):
        load_model(tiny_path, "miniature")


def test_another_family_is_another_model(random_family, own_miniatures, monkeypatch):
    mine = load_model("tiny-chat")
    monkeypatch.setenv("LLAMA_COURSE_CHECKPOINTS", str(random_family))
    assert load_model("tiny-chat") is not mine


def test_without_the_chat_model_the_default_is_the_miniature_and_one_sentence_says_so(nothing_fetched, capsys):
    model = load_model()
    assert (model.name, model.backend) == ("tiny-chat", "miniature")
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("smollm2-135m-instruct is not available here, so this is tiny-chat")
    assert "load_model('smollm2-135m-instruct') says why" in line
    assert (line.count("."), line[-1]) == (1, ".")


def test_the_fallback_takes_the_backend_and_the_context_asked_for(nothing_fetched):
    assert load_model(backend="transformers").name == "tiny-chat"
    assert load_model(max_context_tokens=64).max_context_tokens == 64
    assert load_model(max_context_tokens=2048).max_context_tokens == 512
    with pytest.raises(ModelNotAvailableError, match="smollm2-135m-instruct is not on this computer"):
        load_model(backend="llama.cpp")
    with pytest.raises(ValueError, match="is a GGUF file"):
        load_model(backend="miniature")


def test_the_chat_model_asked_for_by_name_fails_with_the_way_on(nothing_fetched, monkeypatch):
    for ask in (lambda: load_model("smollm2-135m-instruct"), load_model):
        with pytest.raises(ModelNotAvailableError) as caught:
            ask()
        message = str(caught.value)
        assert "llama-course fetch smollm2-135m-instruct" in message
        assert message.endswith("Meanwhile go on with load_model('tiny-chat'), which comes with the course.")
        monkeypatch.setenv("LLAMA_COURSE_MODEL", "smollm2-135m-instruct")  # named there, it is asked for as well


def test_a_chat_model_that_does_not_load_leads_to_the_miniature(nothing_fetched, monkeypatch, tiny_path):
    monkeypatch.setattr(loading, "fetch_model", lambda card: tiny_path.with_name("gone.gguf"))
    assert load_model().name == "tiny-chat"
    with pytest.raises(ModelNotAvailableError, match=r"llama.cpp could not load .*Meanwhile go on"):
        load_model("smollm2-135m-instruct")


@pytest.mark.parametrize(
    "failure", [fetch.ModelNotAvailableError("needs 247 MB of disk"), fetch.ModelNotAvailableError("another process")]
)
def test_whatever_keeps_the_chat_model_away_the_lesson_goes_on(nothing_fetched, monkeypatch, failure):
    def fail(card):
        raise failure

    monkeypatch.setattr(loading, "fetch_model", fail)
    assert load_model().name == "tiny-chat"


def test_a_model_that_could_not_be_had_is_not_waited_for_twice(nothing_fetched, monkeypatch, tiny_path):
    asked = []
    bring = loading.fetch_model
    monkeypatch.setattr(loading, "fetch_model", lambda card: asked.append(card.name) or bring(card))
    first = load_model()
    assert load_model() is first
    assert asked == ["smollm2-135m-instruct"]
    with pytest.raises(ModelNotAvailableError):
        load_model("smollm2-135m-instruct")
    assert len(asked) == 2  # by name it is tried again
    monkeypatch.setattr(loading, "fetch_model", lambda card: asked.append("here now") or tiny_path)
    file = fetch.model_path(SMOLLM2)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"somebody has brought it")
    assert load_model().name == "smollm2-135m-instruct"
    assert asked[-1] == "here now"


def test_the_variable_makes_the_miniature_the_default_without_a_word(miniatures, monkeypatch, capsys):
    monkeypatch.setenv("LLAMA_COURSE_MODEL", "tiny-chat")
    assert load_model().name == "tiny-chat"
    assert capsys.readouterr().out == ""


def test_a_damaged_miniature_is_no_fallback(nothing_fetched, own_miniatures):
    (own_miniatures / "tiny-chat" / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelNotAvailableError, match=r"config\.json is damaged.*install the course again") as caught:
        load_model()
    assert "Meanwhile" not in str(caught.value)


def test_without_miniatures_the_message_says_how_to_get_them_back(own_home, tmp_path, monkeypatch):
    monkeypatch.setenv("LLAMA_COURSE_CHECKPOINTS", str(tmp_path / "none"))
    with pytest.raises(ModelNotAvailableError, match=rf"{embedded.HASHES} is missing"):
        load_model("tiny-chat")


def test_a_closed_model_is_loaded_anew(tiny_path):
    model = load_model(tiny_path)
    model.close()
    with pytest.raises(ModelNotAvailableError, match=r"was closed. Load it again"):
        model.chat("Hi")
    again = load_model(tiny_path)
    assert again is not model
    assert again.tokenize("ab")


def test_a_model_that_nobody_uses_any_more_is_let_go(tiny_path):
    model = load_model(tiny_path, max_context_tokens=48)
    gc.collect()  # what earlier tests left
    held = len(loading._loaded)
    del model
    gc.collect()
    assert len(loading._loaded) == held - 1


def test_threads_that_load_at_once_get_one_model(tiny_path):
    got = []
    threads = [
        threading.Thread(target=lambda: got.append(load_model(tiny_path, max_context_tokens=40))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4
    assert len(set(map(id, got))) == 1


@pytest.mark.parametrize("name", ["nowhere/model.gguf", "./nowhere", "model.gguf", "~/nowhere/else"])
def test_a_path_that_does_not_exist_fails_at_once(name):
    started = time.monotonic()
    with pytest.raises(ModelNotAvailableError, match=r"There is no file or folder"):
        load_model(name)
    assert time.monotonic() - started < 5, "it waited for a lock, or for the network"


def test_a_folder_without_a_model_fails_at_once(tmp_path):
    started = time.monotonic()
    with pytest.raises(ModelNotAvailableError, match=r"holds no model: config.json is missing"):
        load_model(tmp_path)
    assert time.monotonic() - started < 5, "it waited for a lock, or for the network"


@pytest.mark.parametrize("content", [b"", b"GGUF", b"this is no model" * 1000])
def test_a_file_that_is_no_model_is_explained(tmp_path, content):
    path = tmp_path / "broken.gguf"
    path.write_bytes(content)
    for backend in ("llama.cpp", "transformers"):
        with pytest.raises(ModelNotAvailableError, match=r"broken\.gguf"):
            load_model(path, backend)


def test_an_unknown_name_gets_a_did_you_mean():
    with pytest.raises(UnknownModelError, match=r"Did you mean smollm2-135m-instruct"):
        load_model("smolm2-135m")


@pytest.mark.parametrize("backend", ["gpu", "llamacpp", ""])
def test_an_unknown_backend_is_answered_with_those_there_are(backend):
    with pytest.raises(ValueError, match=rf"one of llama.cpp, transformers, miniature, got {backend!r}"):
        load_model(backend=backend)


@pytest.mark.parametrize("context", [0, -1, 15, 2.5, "many", 10**9])
def test_an_impossible_context_length_is_refused(context):
    with pytest.raises(ValueError, match=r"max_context_tokens must be a whole number from 16 to"):
        load_model(max_context_tokens=context)


# -- models of the hub -------------------------------------------------------------------------------------------------

HUB_NAMES = sorted(loading.HUB_MODELS)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A random Llama in the layout of Llama 2's repository."""
    return make_repository(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def fetched(repository, monkeypatch, own_home):
    """The hub hands out every model; which were asked for."""
    asked = []
    monkeypatch.setattr(loading, "fetch_repository", lambda card: asked.append(card.name) or repository)
    monkeypatch.setattr(hardware, "memory_gib", lambda: (64.0, 60.0))
    return asked


def test_the_models_of_the_hub_are_llama_2_and_tinyllama():
    assert len(HUB_NAMES) == 7
    assert {name.split("-")[0] for name in HUB_NAMES} == {"llama", "tinyllama"}


@pytest.mark.parametrize("name", HUB_NAMES)
def test_without_enough_memory_nothing_is_fetched_and_the_message_says_how_to_go_on(fetched, monkeypatch, name):
    monkeypatch.setattr(hardware, "memory_gib", lambda: (1.0, 0.7))
    with pytest.raises(ModelNotAvailableError) as caught:
        load_model(name)
    message = str(caught.value)
    assert message.startswith(f"{name} does not fit here: it needs")
    assert "the main memory has 0.7 GiB free. The next smaller choice: load_model('smollm2-135m-instruct')" in message
    assert message.endswith("go on with load_model('tiny-chat'), which comes with the course.")
    assert fetched == []


def test_the_estimate_is_said_before_anything_is_fetched(fetched, monkeypatch, capsys):
    def fetch(card):
        raise ModelNotAvailableError("no token")

    monkeypatch.setattr(loading, "fetch_repository", fetch)
    with pytest.raises(ModelNotAvailableError, match=r"^no token Meanwhile go on with load_model\('tiny-chat'\)"):
        load_model("llama-2-7b-chat")
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(
        "llama-2-7b-chat needs 30.6 GiB, and the main memory has 60.0 GiB free: loading it in 32-bit"
    )


@pytest.mark.parametrize("name", ["Llama 2 7B chat", "llama-2-13b", "tinyllama-1.1b-chat"])
def test_a_model_of_the_hub_answers_like_every_other(fetched, name):
    model = load_model(name, max_context_tokens=128)
    assert (model.backend, model.max_context_tokens) == ("transformers", 128)
    assert fetched == [model.name]
    assert isinstance(model.chat("Hello", max_new_tokens=3, temperature=0), str)
    assert model.next_token_probabilities("The llama", 3)[0].probability > 0
    assert load_model(name, max_context_tokens=128) is model
    assert len(fetched) == 1


def test_llama_2_speaks_its_own_chat_format_and_tinyllama_its_template(fetched):
    llama, tiny = load_model("llama-2-7b-chat"), load_model("tinyllama-1.1b-chat")
    assert llama.tokenizer.decode(llama._chat_ids([{"role": "user", "content": "Hi"}])) == "<s> [INST] Hi [/INST]"
    assert tiny.tokenizer.decode(tiny._chat_ids([{"role": "user", "content": "Hi"}])).endswith("<|assistant|>\n")
    with pytest.raises(SpecialTagsError):
        llama.chat("a [/INST] b")
    with pytest.raises(SpecialTagsError):
        tiny.chat("a </s> b")


def test_another_context_shares_the_weights_of_a_large_model(fetched):
    long, short = (load_model("llama-2-7b-chat", max_context_tokens=tokens) for tokens in (200, 32))
    assert (long.max_context_tokens, short.max_context_tokens) == (200, 32)
    assert short.model is long.model
    assert fetched == ["llama-2-7b-chat"]
    long.close()
    assert short.chat("Hello", max_new_tokens=2) is not None
    with pytest.raises(ModelNotAvailableError, match="was closed"):
        long.chat("Hello")


def test_other_bits_are_another_model(fetched):
    whole, half = load_model("tinyllama-1.1b-chat"), load_model("tinyllama-1.1b-chat", bits=16)
    assert [str(model.model.dtype) for model in (whole, half)] == ["torch.float32", "torch.bfloat16"]
    assert load_model("tinyllama-1.1b-chat", bits=32).model is whole.model


@pytest.mark.parametrize("bits", [8, 0, "4", 2.0])
def test_a_format_that_there_is_not_is_refused(bits):
    with pytest.raises(ValueError, match=r"bits must be one of 32, 16, 4, got"):
        load_model("llama-2-7b-chat", bits=bits)


def test_bits_are_for_models_whose_format_can_be_chosen(miniatures, tiny_path, tmp_path):
    for name, backend in (("tiny-chat", None), ("tiny-chat", "transformers"), (tiny_path, None)):
        with pytest.raises(ValueError, match=r"bits is for models of the hub and folders in its format"):
            load_model(name, backend, bits=4)
    with pytest.raises(ValueError, match=r"bits can be chosen for Llamas"):
        load_model(tmp_path, bits=4)


def test_a_large_folder_of_one_s_own_is_weighed_too(repository, monkeypatch, capsys):
    monkeypatch.setattr(placement, "WEIGHED_FROM", 1000)
    monkeypatch.setattr(hardware, "memory_gib", lambda: (8.0, 6.0))
    model = load_model(repository)
    assert model.fit.bits == 32
    assert "needs 0.0 GiB, and the main memory has 6.0 GiB free" in capsys.readouterr().out


def test_a_model_of_the_hub_is_not_for_the_course_s_own_llama_nor_for_llama_cpp(fetched):
    with pytest.raises(ValueError, match=r"has another tokenizer: use backend='transformers'"):
        load_model("llama-2-7b-chat", "miniature")
    with pytest.raises(ValueError, match=r"llama.cpp reads GGUF files"):
        load_model("llama-2-7b-chat", "llama.cpp")
    assert fetched == []


def test_a_variable_that_asks_for_llama_2_where_it_cannot_be_had_lets_the_lesson_go_on(
    nothing_fetched, monkeypatch, capsys
):
    monkeypatch.setenv("LLAMA_COURSE_MODEL", "llama-2-70b-chat")
    monkeypatch.setattr(hardware, "memory_gib", lambda: (8.0, 6.0))
    model = load_model()
    assert model.name == "tiny-chat"
    told = capsys.readouterr().out
    assert told.startswith("llama-2-70b-chat does not fit here: it needs 37.0 GiB in 4-bit")
    assert "Meanwhile the lesson goes on with another model." in told
    assert "so this is tiny-chat" in told
    with pytest.raises(ModelNotAvailableError):
        load_model("llama-2-70b-chat")  # by name, whoever asks hears it


def test_a_variable_that_asks_for_llama_2_is_obeyed_where_it_can_be_had(fetched, monkeypatch):
    monkeypatch.setenv("LLAMA_COURSE_MODEL", "Llama-2-7b-chat")
    assert load_model().name == "llama-2-7b-chat"
    assert load_model(max_context_tokens=64).max_context_tokens == 64


def test_a_name_from_the_hub_is_led_to_the_catalog():
    with pytest.raises(ModelNotAvailableError, match=r"'llama-2-7b-chat' here"):
        load_model("meta-llama/Llama-2-7b-chat-hf")


def test_without_llama_cpp_a_gguf_runs_on_transformers(monkeypatch, tiny_path):
    monkeypatch.setattr(hardware.importlib.util, "find_spec", lambda name: None)
    assert load_model(tiny_path).backend == "transformers"
    with pytest.raises(ModelNotAvailableError, match=r"needs the package xllamacpp, which is not installed: use"):
        load_model(tiny_path, "llama.cpp")


def test_where_llama_cpp_cannot_be_loaded_transformers_goes_on_and_says_why(tmp_path, monkeypatch, tiny_path, capsys):
    """As on a Linux without libgomp, which the package does not bring."""
    error = "libgomp.so.1: cannot open shared object file"
    (tmp_path / "xllamacpp.py").write_text(f"raise ImportError({error!r})", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "xllamacpp", raising=False)
    assert load_model(tiny_path).backend == "transformers"
    said = capsys.readouterr().out
    assert f"xllamacpp cannot be loaded ({error}: on Debian and Ubuntu, sudo apt-get install libgomp1)" in said
    with pytest.raises(ModelNotAvailableError, match=r"libgomp1\): use backend='transformers'"):
        load_model(tiny_path, "llama.cpp")
    line = hardware._packages()
    assert not line.ok and "cannot be loaded" in line.detail
