"""``may_i``: every scenario of the file, each rule, what is missing, contradictory or unknown."""

import json
from datetime import date

import pytest

from llama_course.policy.clauses import clause
from llama_course.policy.deciding import CHANGES, deciding_clauses, told_by, what_breaks
from llama_course.policy.licences import fields_of_use, licences, models
from llama_course.policy.may_i import NOT_ADVICE, RULES, may_i
from llama_course.policy.published import PublishedDataError
from llama_course.policy.scenarios import PATH, VERDICTS, contradictions, scenario, scenarios

TOLD = scenarios()
PLAIN = {"who": "person", "field": "ordinary", "outputs_for": "nothing", "passes_on": "nothing"}
FIRM = PLAIN | {"who": "company", "users": 100, "business": True}


# -- the scenarios -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TOLD)
def test_scenario(name):
    row = TOLD[name]
    answer = may_i(row.plan)
    assert (answer.verdict, set(answer.clauses)) == (row.verdict, set(row.clauses)), f"{row.story}\n{answer}"


def test_there_are_enough_of_all_kinds():
    assert len(TOLD) >= 40 and sum(row.borderline for row in TOLD.values()) >= 10
    assert {row.verdict for row in TOLD.values()} == set(VERDICTS)
    used = {row.plan.model for row in TOLD.values()}
    assert {"Llama 2", "Llama 3", "Llama 3.1", "Llama 3.2 vision", "Llama 4", "BLOOM", "Mistral 7B"} <= used
    assert len({row.story for row in TOLD.values()}) == len({row.why for row in TOLD.values()}) == len(TOLD)


def test_every_rule_decides_some_scenario():
    """Left out, each rule changes a verdict: none is there for nothing."""
    for rule in RULES:
        without = [one for one in RULES if one is not rule]
        changed = [name for name, row in TOLD.items() if _verdict(row.plan, without) != row.verdict]
        assert changed, rule.__name__


def _verdict(plan, rules):
    from llama_course.policy import may_i as module

    kept, module.RULES = module.RULES, rules
    try:
        return may_i(plan).verdict
    finally:
        module.RULES = kept


def test_no_answer_claims_to_be_advice_and_a_lawful_licence_is_not_the_law():
    for row in TOLD.values():
        assert NOT_ADVICE in str(may_i(row.plan))
    assert "the law often does" in str(may_i(scenario("DeepSeek-R1", **FIRM | {"field": "spam"})))


# -- users -------------------------------------------------------------------------------------------------------


def firm(model="Llama 2", **facts):
    return scenario(model, **FIRM | facts)


@pytest.mark.parametrize(
    ("users", "verdict"),
    [
        ({"2023-06": 700_000_001}, "ask Meta"),
        ({"2023-06": 700_000_000}, "allowed"),
        ({"2023-05": 900_000_000, "2023-06": 1, "2023-07": 900_000_000}, "allowed"),
        ({"2023-07": 1}, "unclear"),
        (None, "unclear"),
        (900_000_000, "ask Meta"),
    ],
)
def test_users_are_counted_in_june_2023_alone(users, verdict):
    assert may_i(firm(users=users)).verdict == verdict


def test_each_version_counts_its_own_month():
    for model, month in (("Llama 3", "2024-03"), ("Llama 3.1", "2024-06"), ("Llama 3.2 text", "2024-08"),
                         ("Llama 3.3", "2024-11"), ("Llama 4", "2025-03")):  # fmt: skip
        assert may_i(firm(model, users={month: 900_000_000}, region="US")).verdict == "ask Meta"
        later = f"{month[:5]}{int(month[5:]) + 1:02d}"
        assert may_i(firm(model, users={month: 1, later: 900_000_000}, region="US")).verdict == "allowed"


def test_an_affiliate_counts_and_an_unknown_one_is_asked_for():
    assert may_i(firm(affiliates={"mother": 900_000_000})).verdict == "ask Meta"
    assert may_i(firm(affiliates={"mother": 5})).verdict == "allowed"
    answer = may_i(firm(affiliates={"mother": None}))
    assert answer.verdict == "unclear" and "how many users had mother in 2023-06?" in str(answer)


def test_a_firm_above_the_gate_that_also_breaks_the_policy_is_forbidden():
    assert may_i(firm(users=900_000_000, field="malware")).verdict == "forbidden"


def test_other_licences_count_nobody():
    for model in ("Mistral 7B", "DeepSeek-R1", "BLOOM"):
        assert may_i(firm(model, users=None)).verdict == "allowed"


# -- the other facts ---------------------------------------------------------------------------------------------


def test_europe_means_the_union_pictures_and_people_or_companies():
    for model, region, who, verdict in (
        ("Llama 3.2 vision", "EU", "person", "forbidden"),
        ("Llama 3.2 vision", "EU", "public body", "unclear"),
        ("Llama 3.2 vision", "EEA outside the EU, or Switzerland", "company", "allowed"),
        ("Llama 3.2 text", "EU", "company", "allowed"),
        ("Llama 3.3", "EU", "company", "allowed"),
        ("Llama 4", "EU", "company", "forbidden"),
        ("Llama 3.1", "EU", "company", "allowed"),
        ("Llama 4", None, "company", "unclear"),
    ):
        assert may_i(firm(model, region=region, who=who)).verdict == verdict, (model, region, who)


def test_the_reported_exception_needs_country_and_day():
    facts = PLAIN | {"who": "public body", "users": 0, "field": "military"}
    for region, day, verdict in (
        ("US", "2024-11-04", "ask Meta"),
        ("US", "2024-11-03", "forbidden"),
        (None, "2024-11-03", "forbidden"),
        ("EU", "2025-01-01", "forbidden"),
        ("US", None, "unclear"),
        (None, "2025-01-01", "unclear"),
    ):
        assert may_i(scenario("Llama 2", **facts, region=region, date=day)).verdict == verdict, (region, day)
    assert (
        may_i(scenario("Llama 2", **facts | {"who": "person"}, region="US", date="2025-01-01")).verdict == "forbidden"
    )


def test_what_must_go_along_is_a_condition_or_a_breach():
    open_plan = may_i(firm(passes_on="changed weights"))
    assert open_plan.verdict == "allowed" and [one.clause.id for one in open_plan.duties] == ["copy", "notice"]
    assert may_i(firm(passes_on="changed weights", carries=["licence"])).clauses == ("notice",)
    assert may_i(firm("Llama 3", passes_on="the weights", carries=["licence", "notice"])).clauses == ("l3-built",)
    assert may_i(firm("Mistral 7B", passes_on="changed weights", carries=["licence", "notice"])).clauses == (
        "apache-changes",
    )


def test_business_matters_where_the_licence_is_for_research():
    assert may_i(scenario("LLaMA 1", **PLAIN, business=False)).verdict == "allowed"
    assert may_i(scenario("LLaMA 1", **PLAIN, business=True)).verdict == "forbidden"
    assert may_i(scenario("LLaMA 1", **PLAIN)).verdict == "unclear"


def test_what_is_arguable_when_something_is_passed_on_stays_open():
    """Llama 3 names what was made with the Llama Materials; from 3.1 on the outputs are named as well."""
    facts = {"outputs_for": "a model of another kind", "passes_on": "a model trained on its outputs"}
    for model, verdict in {"Llama 3": "unclear", "Llama 3.1": "forbidden", "Llama 4": "forbidden"}.items():
        assert may_i(firm(model, **facts, carries=[], region="US")).verdict == verdict, model
        assert may_i(firm(model, **facts, carries=["name"], region="US")).verdict == "allowed", model


def test_rail_asks_for_notices_restrictions_and_a_word_on_changes():
    carried = {"the weights": {"restrictions", "licence", "notice"}, "a service": {"restrictions", "licence"}}
    for passes_on, things in carried.items():
        answer = may_i(firm("BLOOM", passes_on=passes_on, carries=[]))
        assert answer.verdict == "forbidden" and len(answer.clauses) == len(things)
        assert may_i(firm("BLOOM", passes_on=passes_on, carries=list(things))).verdict == "allowed"


def test_under_another_licence_the_same_weights():
    army = TOLD["army"].plan
    wanted = {"Llama 2": "forbidden", "RAIL": "allowed", "Apache-2.0": "allowed", "MIT": "allowed"}
    assert {licence: may_i(army, under=licence).verdict for licence in wanted} == wanted
    assert may_i(TOLD["clinic"].plan, under="RAIL").clauses == ("rail-medical",)
    assert may_i(TOLD["wrong-licence"].plan, under="MIT").verdict == "allowed"


def test_later_versions_cite_their_own_words_where_they_have_other_ones():
    facts = {"field": "private facts", "region": "US"}
    assert may_i(firm("Llama 3.1", **facts)).clauses == ("personal-data",)
    assert may_i(firm("Llama 4", **facts)).clauses == ("l32-personal",)
    assert "Llama 4, in the words of Llama 3.2" in str(may_i(firm("Llama 4", **facts)))
    assert may_i(firm("Llama 4", field="military", region="EEA outside the EU, or Switzerland")).clauses == (
        "l4-military",
    )


def test_every_field_under_every_licence_gets_an_answer():
    for name in models():
        for field in fields_of_use():
            for licence in licences():
                assert may_i(firm(name, field=field, region="US", date="2026-01-01"), under=licence).verdict in VERDICTS


# -- missing, contradictory, unknown -----------------------------------------------------------------------------


def test_a_bare_plan_is_asked_for_everything_that_matters_and_nothing_is_guessed():
    answer = may_i(scenario("Llama 2"))
    questions = [one.why for one in answer.deciding]
    assert answer.verdict == "unclear" and all(one.effect == "missing" for one in answer.deciding)
    for word in ("who is it", "what is it for", "improved", "passed on"):
        assert any(word in question for question in questions), word


def test_what_matters_is_asked_for_beside_meta_and_where_no_list_is_nothing_is_asked():
    answer = may_i(scenario("Llama 2", who="company", users=900_000_000, outputs_for="nothing"))
    assert answer.verdict == "ask Meta" and {"what is it for?"} < {one.why for one in answer.deciding}
    assert may_i(scenario("DeepSeek-R1", **{name: fact for name, fact in FIRM.items() if name != "field"})).verdict == (
        "allowed"
    )


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"date": "2023-07-17"}, "was not released"),
        ({"licence": "MIT"}, "has the licence 'Llama 2', not 'MIT'"),
        ({"passes_on": "a model trained on its outputs"}, "outputs are for nothing"),
        ({"passes_on": "a model trained on its outputs", "outputs_for": "judging models"}, "outputs only judge"),
        ({"carries": ["licence"]}, "nothing is passed on"),
        ({"affiliates": {"mother": 1}}, "a person has no affiliates"),
        ({"inside_a_product": True, "passes_on": "the weights"}, "only a finished product"),
    ],
)
def test_a_contradiction_is_named_and_no_rule_is_asked(facts, words):
    plan = scenario("Llama 2", **PLAIN | facts)
    answer = may_i(plan)
    assert words in contradictions(plan)[0] and words in str(answer)
    assert answer.verdict == "unclear" and answer.clauses == ()


def test_the_release_day_itself_is_no_contradiction():
    assert contradictions(scenario("Llama 2", **PLAIN, date="2023-07-18")) == []


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"model": "Lama 2"}, "no model 'Lama 2'; the nearest are Llama 2"),
        ({"licence": "Apache 2"}, "no licence 'Apache 2'; the nearest are Apache-2.0"),
        ({"field": "milltary"}, "no field of use 'milltary'; the nearest (is|are) military"),
        ({"region": "Europe"}, "no region 'Europe'"),
        ({"who": "firm"}, "no who 'firm'"),
        ({"outputs_for": "a pupil"}, "no outputs_for 'a pupil'"),
        ({"passes_on": "weights"}, "no passes_on 'weights'; the nearest is the weights|changed weights"),
        ({"usres": 5}, "no fact 'usres'; the nearest are users"),
        ({"carries": ["licenses"]}, "no thing that goes along 'licenses'; the nearest are licence"),
        ({"users": {"June": 5}}, 'a month looks like "2023-06"'),
        ({"users": {"2023-13": 5}}, 'a month looks like "2023-06"'),
        ({"users": {"2023-06": -1}}, "users are 0 or more"),
        ({"affiliates": {"mother": -1}}, "users are 0 or more"),
        ({"users": "many"}, "users are 0 or more; got 'many'"),
        ({"affiliates": 5}, "affiliates are users by name of the firm; got 5"),
        ({"date": "yesterday"}, "a date looks like .2023-07-18.; got 'yesterday'"),
        ({"business": "no"}, "business is True or False; got 'no'"),
        ({"inside_a_product": 1}, "inside_a_product is True or False; got 1"),
        ({"carries": "licence"}, "carries is a list of things that go along"),
    ],
)
def test_unknown_and_impossible_facts_are_explained(facts, message):
    with pytest.raises(ValueError, match=message):
        scenario(**{"model": "Llama 2", **facts})


def test_an_unknown_licence_to_imagine_gives_the_nearest():
    with pytest.raises(ValueError, match="no licence 'GPL'"):
        may_i(TOLD["army"].plan, under="GPL")


def test_a_plan_goes_to_facts_and_back():
    for row in TOLD.values():
        assert scenario(**row.plan.facts()) == row.plan
    assert TOLD["army"].plan.but(field="ordinary").field == "ordinary"
    assert scenario("Llama 2", date="2024-02-01").date == date(2024, 2, 1)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: rows[0].update(verdict="perhaps"), r"rows\.json, homework-help: there is no verdict 'perhaps'"),
        (lambda rows: rows[0].pop("why"), r"rows\.json, homework-help: 'why'"),
        (lambda rows: rows[0].update(clauses=["x"]), r"rows\.json, homework-help: there is no clause 'x'"),
        (lambda rows: rows[0]["facts"].update(model="Lama"), r"rows\.json, homework-help: there is no model 'Lama'"),
        (lambda rows: rows.append(rows[0]), r"rows\.json, homework-help: this id is there twice"),
        (lambda rows: rows[1].pop("id"), r"rows\.json, row 2: 'id'"),
    ],
)
def test_a_malformed_scenario_is_named(tmp_path, spoil, message):
    data = json.loads(PATH.read_text(encoding="utf-8"))
    spoil(data["scenarios"])
    (tmp_path / "rows.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(PublishedDataError, match=message):
        scenarios(tmp_path / "rows.json")


def test_a_file_without_scenarios_is_named(tmp_path):
    (tmp_path / "rows.json").write_text("{}", encoding="utf-8")
    with pytest.raises(PublishedDataError, match=r"rows\.json: not JSON with a list"):
        scenarios(tmp_path / "rows.json")


# -- which fact decides ------------------------------------------------------------------------------------------


def test_growing_later_breaks_no_plan_and_being_huge_then_breaks_those_that_are_counted():
    broken = {row.change: row for row in what_breaks(row.plan for row in TOLD.values())}
    assert set(broken) == set(CHANGES)
    assert broken["it gets 900 million users in 2026"].broken == 0
    assert broken["it had 900 million when the model came out"].broken > 5
    only = what_breaks([TOLD["shop-chat"].plan])
    assert {row.change for row in only if row.broken} == set(CHANGES) - {
        "it gets 900 million users in 2026", "it moves to the EU"
    }  # fmt: skip
    assert all(row.share == row.broken for row in only) and what_breaks([])[0].share == 0


def test_the_clauses_that_decide_are_counted():
    two = [TOLD["army"], TOLD["grid"], TOLD["us-army-early"]]
    assert deciding_clauses(two) == {"military": 2, "infrastructure": 1}
    assert told_by("users") == ("A1", "A2") and told_by("outputs") == ()
    assert clause("military").told == ()
