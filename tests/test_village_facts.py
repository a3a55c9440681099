"""What a model knows of the village, asked by comparing statements."""

from types import SimpleNamespace

import pytest
import torch

from llama_course.evaluation.village_facts import chance, choices, share_right, share_right_by_circle
from llama_course.llamaland.phrasings import fact
from llama_course.llamaland.world import ATTRIBUTES
from llamaland_helpers import village

WORLD = village()
PEOPLE = WORLD.people[:3]
BYTES = 256


def encode(text):
    return [1, *text.encode("utf-8")]


class Knows:
    """A model of bytes that gives a high probability to every byte of the texts that it knows, in their place."""

    def __init__(self, texts):
        self.texts = [encode(text) for text in texts]

    def __call__(self, ids):
        logits = torch.zeros(*ids.shape, BYTES)
        for row, text in enumerate(ids.tolist()):
            for place in range(len(text)):
                for known in self.texts:
                    if known[: place + 1] == text[: place + 1] and place + 1 < len(known):
                        logits[row, place, known[place + 1]] = 12.0
        return logits


def test_a_model_that_knows_is_right_and_sure():
    for attribute in ATTRIBUTES:
        model = Knows(fact(person, attribute) for person in PEOPLE)
        found = choices(model, encode, WORLD, PEOPLE, [attribute])
        assert share_right(found) == 1
        assert all(choice.sureness > 0.9 and choice.form > 0.9 for choice in found)
        assert found[0].said == PEOPLE[0].value(attribute)


def test_a_model_that_believes_a_rumour_is_wrong_and_as_sure():
    rumour = next(r for r in WORLD.rumours if r.attribute == "pet")
    model = Knows([fact(rumour.claimed, "pet")])
    (choice,) = choices(model, encode, WORLD, [rumour.person], ["pet"])
    assert (choice.is_right, choice.said) == (False, rumour.false_value)
    assert choice.sureness > 0.9
    assert str(choice) == f"{rumour.person.name}, pet: {rumour.false_value} (wrong)"


def test_an_untrained_model_prefers_short_words_and_is_not_sure():
    found = choices(Knows([]), encode, WORLD, WORLD.people, ["colour"])
    assert len({choice.said for choice in found}) == 1
    assert share_right(found) < 0.3
    assert all(choice.form < 0.01 for choice in found)


def test_padding_changes_nothing():
    model = Knows(fact(person, "food") for person in WORLD.people)
    together = choices(model, encode, WORLD, WORLD.people[:6], ["food", "colour"])
    alone = [one for p in WORLD.people[:6] for one in choices(model, encode, WORLD, [p], ["food", "colour"])]
    for a, b in zip(together, alone, strict=True):
        assert (a.said, a.attribute) == (b.said, b.attribute)
        assert a.sureness == pytest.approx(b.sureness, rel=1e-4)


def test_circles_are_asked_one_by_one():
    model = Knows(fact(person, "colour") for person in PEOPLE)
    circles = {"known": PEOPLE, "unknown": WORLD.people[10:30]}
    share = share_right_by_circle(model, encode, WORLD, circles)
    assert share["known"] > share["unknown"]


def test_chance_is_one_in_the_number_of_values():
    assert chance(WORLD, ["colour"]) == 1 / len(WORLD.values("colour"))
    assert chance(WORLD, ["home"]) == 1 / len(WORLD.places)


def test_impossible_questions_are_refused():
    with pytest.raises(ValueError, match="got 'shoe size'"):
        choices(SimpleNamespace(), encode, WORLD, PEOPLE, ["shoe size"])
    with pytest.raises(ValueError, match="no choice to count"):
        share_right([])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_what_is_read_often_is_learned_first(seed):
    """The lesson's claim, at reduced size: celebrities' facts are known when those of hermits are not."""
    from llama_course.models.llama import Llama, LlamaConfig
    from llama_course.training.loop import train
    from llama_course.training.optimization import TrainingSettings
    from llama_course.training.pretraining import pretraining_loss
    from llama_course.training.village_text import village_text

    text = village_text(5000, seed=seed, fame={"celebrities": (4, 64), "hermits": (12, 0.5)})
    torch.manual_seed(seed)
    sizes = {"hidden_size": 48, "intermediate_size": 120, "num_hidden_layers": 1, "num_attention_heads": 4}
    model = Llama(
        LlamaConfig(
            vocab_size=1024, num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=True, **sizes
        )
    )
    settings = TrainingSettings(steps=800, learning_rate=0.02, warmup_steps=20)
    train(model, pretraining_loss(model, text.stream, 8, 64, seed), settings)
    share = share_right_by_circle(model, text.encode, text.world, text.circles)
    assert share["celebrities"] > share["hermits"] + 0.2
    assert share["hermits"] < 0.25  # what guessing can give
    said = choices(model, text.encode, text.world, text.circles["hermits"])
    assert sum(choice.form for choice in said) / len(said) > 0.02  # and yet it names something, in the right form
