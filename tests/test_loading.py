"""load_model: names, paths, what is shared, and what cannot be had."""

import gc
import threading
import time

import pytest

from llama_course.models import embedded, fetch, loading
from llama_course.models.catalog import CATALOG, CHATML_TAGS, LLAMA_2_TAGS, SMOLLM2, UnknownModelError
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
    assert time.monotonic() - started < 0.5


def test_a_folder_without_a_model_fails_at_once(tmp_path):
    started = time.monotonic()
    with pytest.raises(ModelNotAvailableError, match=r"holds no model: config.json is missing"):
        load_model(tmp_path)
    assert time.monotonic() - started < 0.5


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


@pytest.mark.parametrize("name", [name for name, card in CATALOG.items() if card.source.gated])
def test_llama_2_says_what_it_needs_and_how_to_go_on(name):
    with pytest.raises(ModelNotAvailableError) as caught:
        load_model(name)
    message = str(caught.value)
    assert f"{CATALOG[name].memory_gib:g} GiB" in message
    assert f"accept the licence at https://huggingface.co/{CATALOG[name].source.repository}" in message
    assert message.endswith("go on with load_model('tiny-chat'), which comes with the course.")


def test_tinyllama_needs_no_permission_and_says_how_to_go_on():
    with pytest.raises(ModelNotAvailableError, match=r"2.2 GiB.*load_model") as caught:
        load_model("tinyllama-1.1b-chat")
    assert "accept the licence" not in str(caught.value)


def test_a_name_from_the_hub_is_led_to_the_catalog():
    with pytest.raises(ModelNotAvailableError, match=r"'llama-2-7b-chat' here"):
        load_model("meta-llama/Llama-2-7b-chat-hf")


def test_without_llama_cpp_a_gguf_runs_on_transformers(monkeypatch, tiny_path):
    monkeypatch.setattr(loading.importlib.util, "find_spec", lambda name: None)
    assert load_model(tiny_path).backend == "transformers"
    with pytest.raises(ModelNotAvailableError, match=r"needs the package xllamacpp"):
        load_model(tiny_path, "llama.cpp")
