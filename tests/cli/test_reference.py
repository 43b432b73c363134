from pathlib import Path

from wiseflow.cli.reference import render_commands

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md"


def test_the_page_of_commands_is_that_of_the_code():
    assert PAGE.read_text(encoding="utf-8") == render_commands(), "run `make docs`"
