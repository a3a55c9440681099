"""Models on servers: which one is meant, what is sent, what a server shows, and load_model's way there."""

import math
import traceback

import pytest

from llama_course.models import inside, loading
from llama_course.models.catalog import LLAMA_2_TAGS, SMOLLM2, UnknownModelError
from llama_course.models.interface import (
    ModelNotAvailableError,
    PromptError,
    PromptTooLongError,
    SpecialTagsError,
    fit_to_context,
)
from llama_course.models.loading import load_model
from llama_course.models.server_address import KEY_VARIABLE, SERVER_VARIABLE
from llama_course.models.server_backend import (
    LESSONS_WITH_PROBABILITIES,
    LlamaCppServerModel,
    NotOnServerError,
    ServerModel,
    is_server_name,
    open_server,
)
from llama_course.models.server_connection import Patience, ServerError
from llama_course.start_lesson import introduce
from scripted_server import HANG, Reply, ScriptedServer, answer, as_json, event, piece, refusal

HASTY = Patience(first_pause_s=0.02)


@pytest.fixture
def server(monkeypatch):
    for variable in (SERVER_VARIABLE, KEY_VARIABLE, "LLAMA_COURSE_MODEL"):
        monkeypatch.delenv(variable, raising=False)
    with ScriptedServer(chat=answer("Hel", "lo")) as server:
        yield server


@pytest.fixture
def model(server):
    return open_server("server:small-chat", server.url, patience=HASTY)


def models(*entries) -> Reply:
    return as_json({"data": [{"id": entry} if isinstance(entry, str) else entry for entry in entries]})


# -- which model -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("server:x", True), ("server:", True), ("server", False), ("my-server:x", False), (None, False)],
)
def test_a_name_of_a_model_on_a_server_begins_so(name, is_one):
    assert is_server_name(name) == is_one


@pytest.mark.parametrize("name", ["server:", "server: ", "server:small-chat", "server:Small-Chat"])
def test_the_only_model_needs_no_name_and_capitals_do_not_matter(server, name):
    model = open_server(name, server.url)
    assert (model.name, model.model_id, model.backend) == ("server:small-chat", "small-chat", "server")
    assert repr(model) == f"<server:small-chat on the server at 127.0.0.1:{server.port}, context 4096 tokens>"


def test_of_several_models_one_must_be_said(server):
    server.play(models=models("a", "b"))
    with pytest.raises(UnknownModelError, match=r"Say which model .* as 'server:NAME': it has a, b\."):
        open_server("server:", server.url)


@pytest.mark.parametrize(
    ("wanted", "guess"),
    [
        ("llama-2-7b-caht", "Did you mean 'server:Llama-2-7b-chat' or 'server:llama-2-13b-chat'?"),
        ("mistral", "Did you mean 'server:org/Mistral-7B'?"),
        ("qq", "has no model 'qq'. It has: Llama-2-7b-chat, llama-2-13b-chat, org/Mistral-7B."),
    ],
)
def test_an_unknown_model_is_answered_with_the_nearest(server, wanted, guess):
    server.play(models=models("Llama-2-7b-chat", "llama-2-13b-chat", "org/Mistral-7B"))
    with pytest.raises(UnknownModelError) as caught:
        open_server(f"server:{wanted}", server.url)
    assert guess in str(caught.value)


def test_a_server_that_cannot_list_its_models_is_believed(server):
    server.play(models=refusal(500))
    assert open_server("server:/folder/tiny-chat", server.url, patience=HASTY).model_id == "/folder/tiny-chat"
    with pytest.raises(UnknownModelError, match="it does not say which it has"):
        open_server("server:", server.url, patience=HASTY)


def test_a_folder_need_not_be_in_the_list(server):
    assert open_server("server:/folder/tiny-chat", server.url).model_id == "/folder/tiny-chat"


def test_another_path_is_no_server(server):
    with pytest.raises(ServerError, match="Is base_url right"):
        open_server("server:small-chat", server.url.replace("/v1", "/v2"), patience=HASTY)


@pytest.mark.parametrize("listed", [{}, {"data": "x"}, {"data": [1]}, {"data": [{"id": 5}]}, {"data": [{}]}])
def test_a_list_that_is_none_is_garbage(server, listed):
    server.play(models=as_json(listed))
    with pytest.raises(ServerError, match="OpenAI's format"):
        open_server("server:x", server.url)


@pytest.mark.parametrize(
    ("entry", "context", "parameters"),
    [
        ({"id": "m"}, 4096, 0),
        ({"id": "m", "max_model_len": 2048}, 2048, 0),
        ({"id": "m", "meta": {"n_ctx": 512, "n_params": 7_000_000_000}}, 512, 7_000_000_000),
        ({"id": "m", "meta": "no", "max_model_len": "many"}, 4096, 0),
        ({"id": SMOLLM2.name}, 2048, SMOLLM2.parameters),
        ({"id": "meta-llama/Llama-2-7b-chat-hf", "max_model_len": 4096}, 4096, 6_738_415_616),
    ],
)
def test_what_the_server_and_the_catalog_know_is_on_the_card(server, entry, context, parameters):
    server.play(models=models(entry), tokenize=as_json({"count": 1}))
    model = open_server("server:", server.url)
    assert (model.max_context_tokens, model.card.parameters) == (context, parameters)
    assert str(model.card).startswith(
        f"{model.name}: runs on 127.0.0.1:{server.port}, not on this computer, and what you type is sent there."
    )
    assert ("billion" in str(model.card)) == bool(parameters)


def test_the_licence_of_a_known_model_is_told(server):
    server.play(models=models("meta-llama/Llama-2-7b-chat-hf"))
    card = open_server("server:", server.url).card
    assert "Llama 2 Community License" in str(card) and card.special_tags == LLAMA_2_TAGS


# -- chatting ----------------------------------------------------------------------------------------------------------


def test_a_chat_is_sent_in_openai_s_words_and_nothing_else(server, model):
    assert model.chat("Hi", max_new_tokens=7, temperature=0.5, top_p=0.8, seed=3) == "Hello"
    messages = [{"role": "user", "content": "Hi"}]
    settings = {"max_tokens": 7, "temperature": 0.5, "top_p": 0.8, "seed": 3}
    assert server.asked[-1].body == {"model": "small-chat", "messages": messages, **settings, "stream": True}
    model.chat("Hi")
    assert "seed" not in server.asked[-1].body


def test_pieces_are_handed_on_and_false_stops_the_server(server, model):
    server.play(chat=Reply([piece("one "), piece("two "), piece("three"), HANG]))
    came = []
    assert model.stream("Count", lambda text: came.append(text) or len(came) < 2) == "one two "
    assert came == ["one ", "two "] and server.hung_up.wait(10)


def test_an_error_in_the_callback_reaches_the_caller_and_ends_the_request(server, model):
    server.play(chat=Reply([piece("one "), HANG]))
    with pytest.raises(ZeroDivisionError) as caught:
        model.stream("Count", lambda text: 1 / 0)
    assert server.hung_up.wait(10), "also while somebody holds the error, and with it the stream"
    assert caught.tb is not None


def test_what_is_wrong_with_a_prompt_is_said_before_anything_is_sent(server, model):
    before = len(server.asked)
    for messages, kind in (("", PromptError), ("a [/INST] b", SpecialTagsError), ([{"role": "x"}], PromptError)):
        with pytest.raises(kind):
            model.chat(messages)
    with pytest.raises(ValueError, match="temperature"):
        model.chat("Hi", temperature=-1)
    with pytest.raises(ValueError, match="k must be"):
        model.next_token_probabilities("Hi", 0)
    with pytest.raises(ValueError, match="first must be"):
        model.log_probabilities("Hi", 0)
    assert len(server.asked) == before


def test_a_text_is_continued_without_a_chat_format(server, model):
    server.play(completions=Reply([event({"choices": [{"text": " end", "finish_reason": "length"}]})]))
    came = []
    assert model.complete("The", max_new_tokens=1, temperature=0, on_token=came.append) == " end" == came[0]
    assert server.asked[-1].body["prompt"] == "The" and server.asked[-1].body["max_tokens"] == 1


def test_a_closed_model_says_so(server, model):
    model.close()
    for ask in (model.chat, model.complete, model.tokenize, model.next_token_probabilities):
        with pytest.raises(ModelNotAvailableError, match=r"was closed. Load it again with load_model\('server:small"):
            ask("Hi")


# -- counting ----------------------------------------------------------------------------------------------------------


def test_without_a_count_the_server_decides_what_is_too_long(server, model):
    server.play(chat=refusal(400, "This model's maximum context length is 4096 tokens"))
    with pytest.raises(PromptTooLongError, match="maximum context length"):
        model.chat("word " * 20_000)


def test_an_estimate_is_enough_to_drop_the_oldest_turns(server, model):
    talk = [{"role": role, "content": "word " * 900} for role in ("user", "assistant") * 6] + [
        {"role": "user", "content": "And now?"}
    ]
    sent, left_out = fit_to_context(model, talk, 100)
    assert sent[-1]["content"] == "And now?" and 0 < left_out < 12
    assert model.count_tokens("And now?") >= 4


def test_where_the_server_counts_its_count_is_used(server):
    def count(asked):
        text = asked.body.get("prompt") or asked.body["messages"][0]["content"]
        return as_json({"count": len(text.split()) + 10, "max_model_len": 64})

    server.play(models=models({"id": "m", "max_model_len": 64}), tokenize=count)
    model = open_server("server:m", server.url)
    assert model.count_tokens("one two three") == 13
    model.chat("one two", max_new_tokens=500)
    assert server.asked[-1].body["max_tokens"] == 64 - 12
    with pytest.raises(PromptTooLongError, match="The prompt has 90 tokens; server:m considers 64 at once"):
        model.chat("word " * 80)
    with pytest.raises(PromptTooLongError):
        model.complete("word " * 80)
    small = open_server("server:m", server.url, max_context_tokens=20)
    with pytest.raises(PromptTooLongError, match="considers 20 at once"):
        small.chat("one two three four five six seven eight nine ten")


# -- probabilities -----------------------------------------------------------------------------------------------------


def vllm_like(asked, tokens=("<s>", "The", " capital", " of", " Paris")):
    """Completions as vLLM answers them: logprobs by text, the prompt's too with echo, BOS before it."""
    body = asked.body
    listed = {" Paris": -0.5, " the": -1.5, "�": -3.0, " a": -2.0}
    logprobs = {"tokens": [" Paris"], "token_logprobs": [-0.5], "top_logprobs": [listed], "text_offset": [0]}
    if body["logprobs"] > 20:
        return refusal(400, "Requested sample logprobs of 50, which is greater than max allowed: 20")
    if body.get("echo"):
        logprobs["tokens"] = tokens
        logprobs["token_logprobs"] = [None, -4.0, -3.0, -0.25, -0.5]
        logprobs["top_logprobs"] = [None, *[listed] * 4]
    return as_json({"choices": [{"text": " Paris", "logprobs": logprobs, "finish_reason": "length"}]})


def test_probabilities_by_text_are_read(server, model):
    server.play(completions=vllm_like)
    found = model.next_token_probabilities("The capital of", 3)
    assert [item.token.text for item in found] == [" Paris", " the", " a"]
    assert [math.log(item.probability) for item in found] == pytest.approx([-0.5, -1.5, -2.0])
    assert {item.token.id for item in found} == {-1}
    assert server.asked[-1].body["temperature"] == 1 and server.asked[-1].body["max_tokens"] == 1


def test_probabilities_in_the_form_of_a_chat_are_read(server, model):
    top = [{"id": 9, "token": "�", "bytes": [0xF0], "logprob": -1.0}, {"token": "b", "bytes": None, "logprob": -0.5}]
    logprobs = {"content": [{"token": "b", "logprob": -0.5, "top_logprobs": top}]}
    server.play(completions=as_json({"choices": [{"text": "b", "logprobs": logprobs}]}))
    second, first = sorted(model.next_token_probabilities("a", 5), key=lambda item: item.probability)
    assert (first.token.text, first.token.id, second.token.id, second.token.label) == ("b", -1, 9, "<0xF0>")


def test_a_step_that_llama_cpp_lists_nothing_of_is_drawn_again(server, model):
    top = [{"id": 3, "token": "b", "bytes": [98], "logprob": -0.5}]
    full = {"content": [{"token": "b", "logprob": -0.5, "top_logprobs": top}]}
    replies = [as_json({"choices": [{"logprobs": logprobs}]}) for logprobs in ({"content": []}, full)]
    server.play(completions=replies)
    assert [item.token.text for item in model.next_token_probabilities("a")] == ["b"]


def test_the_probabilities_of_a_text_are_read_without_what_stands_around_it(server, model):
    server.play(completions=vllm_like)
    scored = model.log_probabilities("The capital of")
    assert [(item.token.text, item.log_prob) for item in scored] == [("The", None), (" capital", -3.0), (" of", -0.25)]
    assert [token.text for token in model.tokenize("The capital of")] == ["The", " capital", " of"]
    assert [item.log_prob for item in model.log_probabilities("The capital of", first=2)] == [None, None, -0.25]
    assert model.tokenize("") == []


@pytest.mark.parametrize(
    ("tokens", "first"),
    [(["<s>", "The", "capital", "of", "Paris"], "The"), (["<s>", " The", " capital", " of", " Paris"], " The")],
)
def test_spaces_are_put_right_and_the_added_token_is_left_out(server, model, tokens, first):
    server.play(completions=lambda asked: vllm_like(asked, tokens))
    scored = model.log_probabilities("The capital of")
    assert [(item.token.text, item.log_prob) for item in scored] == [(first, None), (" capital", -3.0), (" of", -0.25)]


NO_PROBABILITIES = {
    "none": as_json({"choices": [{"text": "x"}]}),
    "null": as_json({"choices": [{"text": "x", "logprobs": None}]}),
    "no choices": as_json({"choices": []}),
    "refused": refusal(400, "logprobs are not supported"),
}


@pytest.mark.parametrize("reply", NO_PROBABILITIES.values(), ids=NO_PROBABILITIES)
def test_a_server_without_probabilities_is_said_with_the_lessons_and_the_way_out(server, model, reply):
    server.play(completions=reply)
    for ask in (model.next_token_probabilities, model.log_probabilities, model.tokenize):
        with pytest.raises(NotOnServerError) as caught:
            ask("Hi")
        said = str(caught.value)
        assert f"Lessons {' and '.join(LESSONS_WITH_PROBABILITIES)} need them" in said
        assert "load_model('smollm2-135m-instruct')" in said and "llama-course serve" in said


def test_probabilities_of_the_answer_alone_are_not_those_of_the_text(server, model):
    logprobs = {"tokens": [" x"], "token_logprobs": [-1.0], "top_logprobs": [{" x": -1.0}]}
    server.play(completions=as_json({"choices": [{"text": " x", "logprobs": logprobs}]}))
    with pytest.raises(NotOnServerError, match="the tokens of a text"):
        model.log_probabilities("Hello there")


def test_more_probabilities_than_a_server_lists_is_said_in_its_words(server, model):
    server.play(completions=vllm_like)
    with pytest.raises(NotOnServerError, match="greater than max allowed: 20"):
        model.next_token_probabilities("Hi", 50)


@pytest.mark.parametrize(
    "logprobs", [{"content": [1]}, {"content": [{"top_logprobs": [{}]}]}, {"top_logprobs": 3}, {"x": 1}]
)
def test_probabilities_that_are_none_are_garbage(server, model, logprobs):
    server.play(completions=as_json({"choices": [{"logprobs": logprobs}]}))
    with pytest.raises(ServerError, match="OpenAI's format"):
        model.next_token_probabilities("Hi")


# -- load_model --------------------------------------------------------------------------------------------------------


def test_one_word_and_an_address_load_a_model_on_a_server(server):
    model = load_model("server:small-chat", base_url=server.url)
    assert type(model) is ServerModel and model.chat("Hi") == "Hello"
    assert load_model("server:small-chat", base_url=server.url) is model
    assert load_model("server:small-chat") is model, "the address of the one in use is remembered"
    shorter = load_model(model.name, max_context_tokens=64)
    assert shorter is not model and shorter.max_context_tokens == 64
    model.close()
    assert load_model("server:small-chat", base_url=server.url) is not model


def test_the_environment_alone_is_enough(server, monkeypatch):
    monkeypatch.setenv("LLAMA_COURSE_MODEL", "server:")
    monkeypatch.setenv(SERVER_VARIABLE, f"127.0.0.1:{server.port}")
    monkeypatch.setenv(KEY_VARIABLE, "a-key-for-all")
    assert load_model().name == "server:small-chat"
    assert {asked.headers["Authorization"] for asked in server.asked} == {"Bearer a-key-for-all"}
    assert "a-key-for-all" not in repr(load_model()) + str(load_model().card)


def test_another_key_is_another_model(server, monkeypatch):
    model = load_model("server:small-chat", base_url=server.url)
    monkeypatch.setenv(KEY_VARIABLE, "a-key-for-all")
    assert load_model("server:small-chat", base_url=server.url) is not model


def test_without_an_address_the_message_says_where_it_goes(server):
    with pytest.raises(
        ModelNotAvailableError, match=rf"set {SERVER_VARIABLE} to it, or use load_model\('server:away', b"
    ):
        load_model("server:away")


def test_a_server_that_is_away_is_explained_and_the_lesson_goes_on(server, monkeypatch, capsys):
    monkeypatch.setenv("LLAMA_COURSE_MODEL", "server:small-chat")
    monkeypatch.setenv(SERVER_VARIABLE, "http://127.0.0.1:9/v1")
    monkeypatch.setattr(loading, "_load_default", lambda backend, max_context_tokens: "the lesson's own")
    assert load_model() == "the lesson's own"
    said = capsys.readouterr().out
    assert "The server at 127.0.0.1:9 cannot be reached." in said and "the lesson goes on with another model" in said
    with pytest.raises(ServerError):
        load_model("server:small-chat")


def test_a_wrong_name_in_the_environment_is_an_error(server, monkeypatch):
    monkeypatch.setenv("LLAMA_COURSE_MODEL", "server:small-cat")
    monkeypatch.setenv(SERVER_VARIABLE, server.url)
    with pytest.raises(UnknownModelError, match="Did you mean 'server:small-chat'"):
        load_model()


@pytest.mark.parametrize("name", ["sever:small-chat", "Server:small-chat", "servers:small-chat"])
def test_a_slip_before_the_colon_is_answered_with_the_right_word(server, name):
    with pytest.raises(UnknownModelError, match=r"Did you mean 'server:small-chat'\?"):
        load_model(name, base_url=server.url)


def test_no_verbose_traceback_of_load_model_writes_the_key_out(server, monkeypatch):
    for key in ("a-key-for-all", "a-key-for-all “"):
        monkeypatch.setenv(KEY_VARIABLE, key)
        with pytest.raises(ValueError) as caught:
            load_model("server:zzz", base_url=server.url)
        said = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        ours = "".join(
            line
            for frame, line in zip(said.stack, said.stack.format(), strict=True)
            if "llama_course" in frame.filename
        )
        assert "base_url = " in ours and "a-key-for-all" not in ours


def test_a_backend_and_an_address_in_the_wrong_place_are_refused(server):
    with pytest.raises(ValueError, match="which has its own backend: leave backend='transformers' away"):
        load_model("server:small-chat", "transformers", base_url=server.url)
    for name in ("tiny-chat", None):
        with pytest.raises(ValueError, match="base_url is for a model on a server"):
            load_model(name, base_url=server.url)


def test_to_look_inside_weights_are_needed_here(server, monkeypatch, capsys):
    with pytest.raises(ModelNotAvailableError, match=r"weights of server:small-chat stay on its server"):
        inside.model_folder("server:small-chat")
    monkeypatch.setenv("LLAMA_COURSE_MODEL", "server:small-chat")
    monkeypatch.setattr(inside, "_folder_of", lambda name: name)
    assert inside.model_folder() == SMOLLM2.name
    assert "server:small-chat stays on its server, so it keeps its own" in capsys.readouterr().out


def test_llama_cpp_s_server_is_recognised(server):
    server.play(
        models=models({"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx": 32}}), tokenize=as_json({"tokens": []})
    )
    assert type(load_model("server:", base_url=server.url)) is LlamaCppServerModel


@pytest.mark.parametrize(("name", "is_another"), [("smollm2-135m-instruct", False), ("small-chat", True)])
def test_a_lesson_says_whether_its_text_speaks_of_this_model(server, capsys, name, is_another):
    server.play(models=models(name))
    introduce(load_model("server:", base_url=server.url))
    said = capsys.readouterr().out
    assert said.startswith(f"server:{name}: runs on 127.0.0.1")
    assert ("will often do something else" in said) == is_another
