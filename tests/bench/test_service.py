"""The service measured while it works, at a small size."""

import pytest

from wiseflow.bench.service import ServicePlan, measure_service, p99


def test_what_99_of_100_stay_within():
    assert p99([float(number) for number in range(1, 101)]) == 100.0
    assert p99([1.0] * 199 + [9.0]) == 1.0
    assert p99([2.0]) == 2.0


@pytest.mark.slow
async def test_reads_are_measured_idle_and_while_researches_run():
    plan = ServicePlan(rate=20, seconds=1, running=2, connections=4, time_scale=0.05)

    figures = await measure_service(plan)

    found = {figure.measure: figure for figure in figures if "another" in figure.subject}
    assert len([figure for figure in figures if figure.most == 3.0]) == 2
    assert found["P99 busy / idle"].value == pytest.approx(
        found["P99 busy, ms"].value / found["P99 idle, ms"].value
    )
    assert found["P99 busy / idle"].most == 3.0
    assert found["P50 idle, ms"].value > 0
