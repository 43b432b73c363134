from wiseflow.bench.bounds import (
    admitted_times,
    calls_in_a_row,
    lower_bound,
    most_in_window,
    refusals,
)


def entry(kind: str, arrived_s: float, took_s: float, *, provider="p", ending="answered"):
    return {
        "kind": kind,
        "arrived_s": arrived_s,
        "ended_s": arrived_s + took_s,
        "provider": provider,
        "ending": ending,
    }


RUN = [
    entry("search", 0.0, 0.6),
    entry("model", 0.6, 1.3),
    entry("search", 1.9, 0.6),
    entry("search", 1.9, 0.6),
    entry("page", 2.5, 0.4),
    entry("page", 2.5, 0.4),
    entry("model", 2.9, 1.3),
    entry("model", 3.0, 1.3),
    entry("model", 4.3, 1.3),
]


def test_the_bound_is_the_path_that_a_research_waits_for():
    assert round(lower_bound(RUN), 6) == 5.5


def test_a_log_without_pages_has_a_bound_without_them():
    assert round(lower_bound([one for one in RUN if one["kind"] != "page"]), 6) == 5.1


def test_calls_side_by_side_are_one_in_a_row():
    assert calls_in_a_row(RUN, "model") == 3
    assert calls_in_a_row(RUN, "search") == 2


def test_only_what_no_limit_refused_is_admitted():
    log = [entry("model", 2.0, 1.0), entry("model", 1.0, 1.0)]
    log.append(entry("model", 1.5, 0.0, ending="limited"))
    log.append(entry("model", 1.7, 0.0, provider="other"))

    assert admitted_times(log, "p") == [1.0, 2.0]
    assert refusals(log) == 1


def test_the_most_in_a_window_leaves_out_its_end():
    assert most_in_window([0.0, 1.0, 2.0, 60.0, 60.5], 60.0) == 4
    assert most_in_window([], 60.0) == 0
