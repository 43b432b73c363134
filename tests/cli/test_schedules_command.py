"""``wiseflow schedules``."""

from __future__ import annotations

import json


def test_a_schedule_is_added_shown_paused_resumed_run_and_deleted(wiseflow):
    added = json.loads(
        wiseflow(
            "schedules", "add", "Tides", "--cron", "0 7 * * MON", "--time-zone", "Europe/Berlin",
            "--tag", "sea", "--configuration", '{"number_of_queries": 2}', "--json",
        ).out
    )  # fmt: skip

    assert added["spec"]["configuration"] == {"number_of_queries": 2}
    shown = wiseflow("schedules", "show", "Tides").out
    assert "0 7 * * MON (Europe/Berlin)" in shown
    assert shown.count("  next ") == 5
    assert "paused" in wiseflow("schedules", "pause", "Tides").out
    assert "paused" in wiseflow("schedules", "list").out
    assert "due" in wiseflow("schedules", "resume", added["schedule_id"]).out
    research = json.loads(wiseflow("schedules", "run-now", "Tides", "--json").out)["research"]
    assert research in wiseflow("schedules", "show", "Tides").out
    assert "deleted" in wiseflow("schedules", "delete", "Tides").out
    assert wiseflow("schedules", "list").out == "There are no schedules.\n"
    assert wiseflow("schedules", "list", "--json").out == ""


def test_a_wrong_expression_says_where_and_what_is_near(wiseflow):
    done = wiseflow("schedules", "add", "Tides", "--cron", "0 7 * * MOM")

    assert done.code == 2
    assert "'MOM' is no day of the week (field 5)" in done.err
    assert "'0 7 * * MON'" in done.err


def test_a_configuration_that_is_no_json_says_so(wiseflow):
    done = wiseflow("schedules", "add", "Tides", "--cron", "@daily", "--configuration", "[")

    assert done.code == 2
    assert "--configuration" in done.err
