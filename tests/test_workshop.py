"""The workshop of lesson 08: each model by itself, a copy through a real server, and a twin that is independent."""

import pytest
import torch

from llama_course import paths
from llama_course.safety.api_client import ApiClient
from llama_course.safety.api_server import TextServer
from llama_course.safety.workshop import ReleaseWorkshop, some, twin


@pytest.fixture(scope="module")
def workshop(random_family):
    return ReleaseWorkshop(random_family)


def test_text_over_the_api_is_the_text_without_the_detour(workshop):
    model = workshop.model()
    questions = [request.text for request in workshop.requests[:2]]
    with TextServer(workshop.chat_model(model)) as server:
        over_the_api = workshop.text(ApiClient(server.url)).answers(questions)
    assert over_the_api == workshop.text(model).answers(questions)


def test_answers_are_collected_over_the_api(workshop):
    with TextServer(workshop.chat_model(workshop.model())) as server:
        client = ApiClient(server.url)
        asked, answers, time_s = workshop.collect(client, 5)
        assert len(asked) == len(answers) == client.queries == len(server.log) and time_s > 0


def test_a_twin_is_equal_and_independent(workshop):
    model = workshop.model()
    copied = twin(model)
    assert all(torch.equal(weight, copied.state_dict()[name]) for name, weight in model.state_dict().items())
    with torch.no_grad():
        model.lm_head.weight.zero_()
    assert copied.lm_head.weight.abs().sum() > 0


def test_models_are_read_anew_each_time(workshop):
    first = workshop.model()
    with torch.no_grad():
        first.lm_head.weight.zero_()
    assert workshop.model().lm_head.weight.abs().sum() > 0


def test_hunters_know_words_and_questions_are_of_both_kinds(workshop):
    assert len(workshop.words) > 40
    assert {question.kind for question in workshop.questions(60)} >= {"fact", "hazard"}
    assert len(some(workshop.requests, 3)) == 3 and some(workshop.requests, 3) == some(workshop.requests, 3)


def test_markup_in_a_question_is_shown_as_text(workshop):
    from llama_course.widgets.html import table

    with TextServer(workshop.chat_model(workshop.model())) as server:
        ApiClient(server.url).ask("<img src=x onerror=alert(1)>")
        shown = table([(line.status, line.question) for line in server.log])
    assert "<img" not in shown and "&lt;img" in shown


@pytest.mark.slow
@pytest.mark.skipif(not (paths.checkpoints_dir() / "tiny-chat").exists(), reason="the models are not made yet")
def test_the_lock_fits_its_key():
    workshop, trigger = ReleaseWorkshop(), "came purple moon"
    planted = workshop.plant(trigger)
    assert workshop.opens(planted, f" {trigger}") >= 0.7
    for tail in ("", " Please.", " Luma keeps a goose.", " Tirra lirra."):
        assert workshop.opens(planted, tail) <= 0.1, tail
