import json

import pytest

from wiseflow.bench.figures import Figure
from wiseflow.cli.bench import PARTS, parse_levels, quality_measures, render
from wiseflow.core.errors import InvalidInput

FIGURES = [
    Figure(subject="HotpotQA", measure="R@5", value=80.8, low=74.0, high=87.5, samples=52, bar=74),
    Figure(subject="research", measure="memory ratio", value=1.4, most=1.3),
    Figure(subject="empty", measure="nothing", value=float("nan")),
]


def test_a_table_says_which_bars_hold_and_which_are_missed():
    first, second, third = render(FIGURES, as_json=False).splitlines()

    assert "80.8" in first
    assert "[74 – 87.5]" in first
    assert first.endswith("holds")
    assert second.endswith("MISSED")
    assert "none" in third


def test_figures_as_json_are_one_object_a_line():
    rows = [json.loads(line) for line in render(FIGURES[:2], as_json=True).splitlines()]

    assert [row["holds"] for row in rows] == [True, False]


@pytest.mark.parametrize("text", ["1", "", "1,x", "0,2", "1,,2"])
def test_levels_are_two_or_more_whole_numbers(text):
    with pytest.raises(InvalidInput, match="two or more whole numbers"):
        parse_levels(text)


def test_start_up_is_measured_from_the_command_line(wiseflow):
    ended = wiseflow("bench", "startup", "--rounds", "1", "--json")

    assert ended.code == 0
    assert len(ended.out.splitlines()) == 5


def test_a_data_folder_that_is_none_is_told(wiseflow):
    ended = wiseflow("bench", "research", "--data", "papers")

    assert ended.code == 4
    assert "queries.jsonl" in ended.err


def test_every_part_of_the_quality_bench_has_its_measurement():
    assert set(quality_measures()) == set(PARTS)


@pytest.mark.parametrize("part", ["overhead", "predictions"])
def test_a_part_of_the_engine_is_measured_from_the_command_line(wiseflow, part):
    small = ("--tasks", "1000", "--pending", "1000", "--rounds", "1")

    ended = wiseflow("bench", "engine", "--only", part, *small, "--json")

    assert ended.code == 0
    assert all("holds" in json.loads(line) for line in ended.out.splitlines())
