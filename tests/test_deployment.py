"""The rows of lesson 12: sourced, used, and in agreement with other lessons."""

from llama_course.policy.deployment import MEASURES, ROWS, devices, figure, statement


def test_every_row_names_its_source_and_every_document_is_used():
    rows = [*ROWS.figures().values(), *ROWS.statements().values(), *devices().values()]
    assert len(rows) >= 14
    for row in rows:
        document = row.source.document
        assert row.source.section and document.date and row.source.confidence in "PS", row.id
        assert (document.url or "").startswith("http") or document.kind == "secondary", row.id
    assert {row.source.document.id for row in rows} == set(ROWS.documents)


def test_cards_are_in_the_order_of_their_memory_s_speed():
    speeds = [card.bandwidth_gb_per_s for card in devices().values()]
    assert speeds == sorted(speeds) and len(speeds) == 6
    assert devices()["t4"].memory_gb == 16 and devices()["a100"].bandwidth_gb_per_s == 2000


def test_the_cards_are_those_of_their_sources():
    """Memory in GB, GB/s, and 10¹² operations a second in 16 bits."""
    numbers = {name: (c.memory_gb, c.bandwidth_gb_per_s, c.peak_tflop_per_s) for name, c in devices().items()}
    assert numbers == {
        "t4": (16, 320, 65),
        "l40s": (48, 864, 362),
        "rtx-4090": (24, 1008, 165),
        "a100": (80, 2000, 312),
        "h100": (80, 3350, 989),
        "h200": (141, 4800, 989),
    }
    phone = [figure(name).value for name in ("phone-tokens", "phone-parameters", "phone-clock")]
    assert phone == [20, 10_000_000_000, 4800]


def test_one_accelerator_is_the_one_of_lesson_04():
    from llama_course.policy.training_runs import figure as training

    assert devices()["a100"].peak_tflop_per_s * 1e12 == training("a100-peak").value


def test_statements_and_measures():
    assert "smartphones and PCs" in statement("qualcomm").quote and figure("phone-tokens").value == 20
    assert statement("disclose").source.document.kind == statement("end").source.document.kind == "primary"
    assert len({measure.what for measure in MEASURES}) == len(MEASURES) >= 6
    assert all(all(vars(measure).values()) for measure in MEASURES)
