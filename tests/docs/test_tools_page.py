"""The page of tools that is kept is the one that the code makes."""

from pathlib import Path

from wiseflow.server.mcp.reference import render_tools

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "mcp.md"


def test_the_page_of_tools_is_that_of_the_code():
    assert PAGE.read_text(encoding="utf-8") == render_tools(), "run `make docs`"
