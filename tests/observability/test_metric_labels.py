"""Labels stay few whatever is asked for, and the catalogue is what is exposed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.registry import CollectorRegistry

from wiseflow.observability.metrics.catalogue import BY_NAME, CATALOGUE, Kind
from wiseflow.observability.metrics.instruments import (
    OTHER_MODELS,
    CallInstruments,
    CallSeen,
    HttpInstruments,
)
from wiseflow.observability.metrics.labels import OTHER, Bounded
from wiseflow.observability.metrics.reference import render_metrics


def label_values(registry, label):
    return {
        sample.labels[label]
        for metric in registry.collect()
        for sample in metric.samples
        if label in sample.labels
    }


def a_call(**changes):
    seen = CallSeen(kind="model", provider="openai", model="m", error="", latency_s=0.1)
    return replace(seen, **changes)


@given(st.lists(st.text(), max_size=80), st.integers(min_value=0, max_value=10))
def test_no_more_values_than_there_is_room_for(values, room):
    bounded = Bounded({"known"}, room=room)

    told = {bounded.of(value) for value in [*values, "known"]}

    assert len(told - {"known", OTHER}) <= room
    assert "known" in told


def test_a_known_value_is_told_though_the_room_is_taken():
    bounded = Bounded({"a"}, room=1)

    assert [bounded.of(one) for one in ("b", "c", "a", "b")] == ["b", OTHER, "a", "b"]


def test_what_nobody_would_call_a_model_is_not_told():
    bounded = Bounded(room=10)

    for hostile in ("", "a\nb", 'a"} 1', "x" * 101, "a b", "🐝 {}"):
        assert bounded.of(hostile) == OTHER


def test_models_that_are_made_up_are_one_model_to_metrics():
    registry = CollectorRegistry()
    calls = CallInstruments(registry, providers=["openai"], models=["gpt-4"])

    for number in range(2_000):
        calls.saw(a_call(model=f"made-up-{number}", error="InvalidCall"))
        calls.saw(a_call(provider=f"nobody-{number}"))
    calls.saw(a_call(model="gpt-4", error="RateLimited"))

    assert label_values(registry, "model") == {"m", "gpt-4", OTHER}
    assert label_values(registry, "provider") == {"openai", OTHER}


def test_a_provider_that_takes_any_name_does_not_make_series_without_end():
    registry = CollectorRegistry()
    calls = CallInstruments(registry, providers=["openai"], models=[])

    for number in range(2_000):
        calls.saw(a_call(model=f"any-{number}"))

    assert len(label_values(registry, "model")) == OTHER_MODELS + 1
    total = registry.get_sample_value(
        "wiseflow_llm_requests_total", {"provider": "openai", "model": OTHER, "outcome": "answered"}
    )
    assert total == 2_000 - OTHER_MODELS


def test_methods_that_are_made_up_are_one():
    registry = CollectorRegistry()
    http = HttpInstruments(registry)

    for number in range(100):
        http.answered(f"M{number}", "", 404, 0.1)

    assert label_values(registry, "method") == {OTHER}
    assert label_values(registry, "route") == {"none"}


def test_each_metric_says_what_it_tells_of():
    for metric in BY_NAME.values():
        assert metric.text.endswith((").", "instances).")), metric.name
        assert metric.name.endswith("_total") is (metric.kind is Kind.COUNTER), metric.name
        assert bool(metric.buckets) is (metric.kind is Kind.HISTOGRAM), metric.name
    assert len(BY_NAME) == sum(map(len, CATALOGUE.values()))


def test_the_reference_page_is_as_the_code_makes_it():
    page = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"

    assert page.read_text(encoding="utf-8") == render_metrics(), "stale; run: make docs"
