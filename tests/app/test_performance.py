"""An hour of samples, and what they suggest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.app import open_application
from wiseflow.app.metering.interval import Interval, Latencies, quantile
from wiseflow.app.metering.limit_use import LimitUse
from wiseflow.app.metering.meter import Meter
from wiseflow.app.metering.series import KEPT, PerformanceSample
from wiseflow.app.metering.suggesting import LEAST, LOOKED_AT, suggestions
from wiseflow.app.services.performance import PerformanceService
from wiseflow.core.access import LOCAL, Principal, Scope
from wiseflow.core.errors import Forbidden
from wiseflow.core.limits import Dimension
from wiseflow.settings.loading import load_settings

CALM = PerformanceSample(at=0.0, cpu_use=0.2, memory_use=0.3, running=1, places=4, pending=0)
FULL = replace(CALM, running=4, pending=9)


def settings_of(*samples):
    return [(one.setting, one.value, one.command) for one in suggestions(samples)]


@pytest.mark.parametrize(
    ("sample", "wanted"),
    [
        (CALM, []),
        (FULL, [("MAX_CONCURRENT_RESEARCH", "6", "")]),
        (replace(FULL, cpu_use=0.95), [("", "", "wiseflow worker")]),
        (replace(FULL, cpu_use=0.8), []),
        (replace(FULL, pending=None), []),
        (replace(CALM, memory_use=0.95), [("MAX_CONCURRENT_RESEARCH", "2", "")]),
        (replace(CALM, memory_use=0.95, places=1), []),
        (
            replace(CALM, cpu_use=0.95, api=Latencies(count=9, p95_s=2.0)),
            [("", "", "wiseflow serve --parallel 0")],
        ),
        (
            replace(CALM, calls={"tavily": Latencies(count=10, failed=2)}),
            [("", "", "wiseflow config show")],
        ),
    ],
)
def test_a_rule_speaks_when_the_samples_show_it(sample, wanted):
    assert settings_of(*[sample] * LOOKED_AT) == wanted


def test_a_limit_that_holds_calls_back_is_named_and_more_places_are_not_asked_for():
    used = LimitUse(waiting=3, used={Dimension.REQUESTS: 1.0, Dimension.TOKENS: 0.1})

    (told,) = suggestions([replace(FULL, limits={"tavily": used})] * LOOKED_AT)

    assert told.setting == "RATE_LIMITS"
    assert "tavily" in told.text


def test_a_peak_suggests_nothing_nor_does_a_short_time():
    assert settings_of(*[CALM] * 40, *[FULL] * 20) == []
    assert settings_of(*[FULL] * (LEAST - 1)) == []


@given(st.lists(st.floats(min_value=0, max_value=1e3), min_size=1), st.sampled_from([0.5, 0.95]))
def test_a_quantile_is_the_least_value_that_enough_stay_under(values, share):
    found = quantile(sorted(values), share)

    assert found in values
    assert sum(one <= found for one in values) >= share * len(values)
    assert sum(one < found for one in values) < share * len(values)


def test_an_interval_begins_anew_when_it_is_taken():
    interval = Interval()
    interval.called("tavily", 0.5, failed=False)
    interval.called("tavily", 1.5, failed=True)
    interval.ended(failed=True)

    first, second = interval.take(), interval.take()

    assert first.calls == {"tavily": Latencies(count=2, failed=1, p50_s=0.5, p95_s=1.5)}
    assert (first.jobs_ended, first.jobs_failed) == (1, 1)
    assert (second.calls, second.jobs_ended) == ({}, 0)


@pytest.fixture
async def application(tmp_path):
    settings = load_settings(environ={"WISEFLOW_DATA_DIR": str(tmp_path)}, dotenv=None)
    async with open_application(settings, meter=Meter(settings)) as opened:
        yield opened


async def test_a_sample_tells_of_the_queue_the_machine_and_what_happened(application):
    await application.queue.submit([application.research_request("Tides", {})])
    application.meter.answered("GET", "/health/live", 200, 0.25)

    await application.meter.series.take()

    (sample,) = PerformanceService(application, LOCAL).performance().samples
    assert (sample.pending, sample.running, sample.places) == (1, 0, 0)
    assert sample.api == Latencies(count=1, p50_s=0.25, p95_s=0.25)
    assert 0 < sample.memory_use < 1
    assert sample.memory_bytes > 1_000_000
    assert sample.interval_s > 0


async def test_no_more_than_an_hour_is_kept(application):
    meter = application.meter
    for _ in range(KEPT):
        meter.series._samples.append(CALM)

    await meter.series.take()

    assert len(meter.samples()) == 1  # the others are of 1970
    assert len(meter.series._samples) == KEPT


async def test_who_is_no_administrator_does_not_see_it(application):
    reader = Principal(name="r", tenant="t", scope=Scope.RUN)

    with pytest.raises(Forbidden):
        PerformanceService(application, reader).performance()
