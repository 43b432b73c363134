"""What changed between two reports: each kind of change, and many that were planted."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from wiseflow.core.report import Section, Verdict
from wiseflow.research.changing import changes_between
from wiseflow.research.rendering.changes import (
    NOTHING,
    changes_to_html,
    changes_to_json,
    changes_to_markdown,
)

PROOF = Path(__file__).resolve().parents[2] / "proofs" / "planted_changes.py"
DEPTH = "Lake Baikal is 1,642 metres deep at its deepest point."


@pytest.fixture
def reported(make_report, make_claim):
    """Makes a report of these sentences."""

    def made(*texts: str, **fields):
        claims = tuple(make_claim(text, start=100 * n) for n, text in enumerate(texts))
        return make_report(
            summary=claims[:1], sections=(Section(title="Depth", claims=claims),), **fields
        )

    return made


def test_the_same_report_has_not_changed_and_it_is_said(reported):
    report = reported(DEPTH, "It is the oldest lake.")

    changes = changes_between(report, replace(report, id="r2"))

    assert changes.nothing
    assert changes.kept == 2
    assert NOTHING in changes_to_markdown(changes)
    assert NOTHING in changes_to_html(changes)
    assert changes_to_json(changes)["nothing"] is True


def test_another_number_is_told_with_both(reported):
    changes = changes_between(reported(DEPTH), reported(DEPTH.replace("1,642", "1,637")))

    [changed] = changes.changed_values
    assert (changed.old_values, changed.new_values) == (("1642",), ("1637",))
    assert (changes.new_claims, changes.dropped_claims) == ((), ())


def test_another_name_is_told_with_both(reported):
    said = "The agency for Lake Baikal is led by {} since the reform."
    changes = changes_between(reported(said.format("Anna Bell")), reported(said.format("Carl Dow")))

    [changed] = changes.changed_values
    assert (changed.old_values, changed.new_values) == (("Anna Bell",), ("Carl Dow",))


def test_other_words_for_the_same_are_no_change(reported):
    changes = changes_between(
        reported(DEPTH), reported("At its deepest point, Lake Baikal is 1642 metres deep.")
    )

    assert changes.nothing


def test_what_is_said_and_what_is_not_said_any_more(reported):
    old = reported(DEPTH, "Seals live in the lake all year.")
    new = reported(DEPTH, "The railway was closed after a flood.")

    changes = changes_between(old, new)

    assert [one.claim.text for one in changes.new_claims] == [new.sections[0].claims[1].text]
    assert [one.claim.text for one in changes.dropped_claims] == [old.sections[0].claims[1].text]
    assert changes.new_claims[0].section == "Depth"


def test_another_subject_is_another_claim(reported):
    changes = changes_between(
        reported(DEPTH), reported("Lake Tanganyika is 1,470 metres deep at its deepest point.")
    )

    assert not changes.changed_values
    assert len(changes.new_claims) == len(changes.dropped_claims) == 1


def test_another_verdict_is_told(make_report, make_claim):
    held, lost = (
        make_report(
            summary=(), sections=(Section(title="s", claims=(make_claim(DEPTH, verdict=verdict),)),)
        )
        for verdict in (Verdict.SUPPORTED, Verdict.UNSUPPORTED)
    )

    [changed] = changes_between(held, lost).changed_verdicts

    assert (changed.old_verdict, changed.new_verdict) == (Verdict.SUPPORTED, Verdict.UNSUPPORTED)


def test_sources_are_the_same_by_their_address(reported):
    before = reported(DEPTH)
    [source] = before.sources
    same = replace(source, id="other", url="https://LAKES.example/baikal/#depth")
    changed = replace(source, sha256="f" * 64)
    new = replace(source, id="s2", url="https://lakes.example/new")

    assert changes_between(before, replace(before, sources=(same,))).nothing
    other = changes_between(before, replace(before, sources=(changed, new)))
    assert [one.after for one in other.changed_sources] == [changed]
    assert (other.new_sources, other.vanished_sources) == ((new,), ())
    gone = changes_between(before, replace(before, sources=()))
    assert gone.vanished_sources == (source,)


def test_nothing_of_a_report_is_taken_for_markup(reported):
    hostile = "Lake <script>alert(1)</script> [x](javascript:1) is 5 metres deep."
    changes = changes_between(reported(DEPTH), reported(hostile, title="# <b>T</b>"))

    page, text = changes_to_html(changes), changes_to_markdown(changes)

    assert "<script" not in page
    assert "<b>T" not in page
    assert "\\](javascript" in text
    assert "&lt;script" in text


def test_planted_changes_are_found():
    done = subprocess.run(
        [sys.executable, str(PROOF), "--seeds", "4"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
