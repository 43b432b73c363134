from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from wiseflow.settings.reference import render_reference
from wiseflow.settings.registry import SETTINGS

COMMAND = "python -m wiseflow.settings.reference > docs/reference/settings.md"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def test_the_reference_page_is_as_the_code_makes_it():
    assert PAGE.read_text(encoding="utf-8") == render_reference(), f"stale; run: {COMMAND}"


def test_the_reference_names_every_setting_once():
    page = render_reference()

    for setting in SETTINGS:
        heading = f"### `{setting.name}`\n" if setting.used else f"| `{setting.name}` |"
        assert page.count(heading) == 1


def test_the_command_prints_the_page():
    done = subprocess.run(
        [sys.executable, "-m", "wiseflow.settings.reference"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )

    assert done.stdout == render_reference()
