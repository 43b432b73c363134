"""Makes the reference pages that come from the code anew."""

from pathlib import Path

from wiseflow.cli.reference import render_commands
from wiseflow.observability.metrics.reference import render_metrics
from wiseflow.server.factory import render_api
from wiseflow.server.mcp.reference import render_tools
from wiseflow.settings.reference import render_reference

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"
PAGES = {
    "cli.md": render_commands,
    "mcp.md": render_tools,
    "metrics.md": render_metrics,
    "openapi.json": render_api,
    "settings.md": render_reference,
}

if __name__ == "__main__":
    for name, render in PAGES.items():
        (REFERENCE / name).write_text(render(), encoding="utf-8")
        print(f"docs/reference/{name}")
