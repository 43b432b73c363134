"""Worker processes measured against each other, at a small size."""

import pytest

from wiseflow.bench.scaling import ScalingPlan, Span, measure_scaling, rate_when_full


def spans(*times: tuple[float, float]) -> list[Span]:
    return [Span(began=began, ended=ended) for began, ended in times]


def test_places_that_are_never_empty_end_one_research_each_time_one_takes():
    in_turn = [(float(start), start + 2.0) for start in (0, 0, 2, 2, 4, 4)]

    assert rate_when_full(spans(*in_turn), places=2) == pytest.approx(1.0)


def test_time_between_two_researches_lowers_the_rate():
    assert rate_when_full(spans((0, 1), (3, 4), (6, 7)), places=1) == pytest.approx(1 / 3)


def test_what_comes_before_all_places_are_filled_does_not_count():
    late = spans((0, 4), (100, 104), (104, 108), (104, 108), (108, 112), (108, 112))

    assert rate_when_full(late, places=2) == pytest.approx(3 / 4 / 2)


@pytest.mark.slow
async def test_more_workers_are_held_against_as_many_times_one():
    plan = ScalingPlan(workers=(1, 2), researches=3, model_s=0.05)

    figures = await measure_scaling(plan)

    found = {(figure.subject, figure.measure): figure for figure in figures}
    one, two = (f"3 researches, {count} worker processes of 1" for count in (1, 2))
    rates = [found[subject, "researches a minute"].value for subject in (one, two)]
    held = found[two, "rate ÷ linear"]
    assert held.value == pytest.approx(rates[1] / 2 / rates[0])
    assert held.bar == 0.95
    assert (one, "rate ÷ linear") not in found
    assert found[one, "CPU, s a research"].value > 0
