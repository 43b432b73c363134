"""Makes the reference page of the settings: ``python -m wiseflow.settings.reference``."""

from __future__ import annotations

import sys

from wiseflow.settings.registry import GROUPS, SETTINGS
from wiseflow.settings.setting import Setting

_HEAD = """\
# Settings

Made from the code by `python -m wiseflow.settings.reference`; do not edit it.

A setting can stand in four places. The first that has it holds:

1. the command line: `wiseflow --set NAME=VALUE …` and the options of a command,
2. the environment: `NAME=VALUE`,
3. a file `.env` in the working directory, one `NAME=VALUE` a line,
4. a YAML file, given by `--config FILE` or by `WISEFLOW_CONFIG`, with the groups below.

An empty value (or null in YAML) counts as not set, but on the command line. What is unknown or
wrong is named with its place, and the program ends with exit code 3; a wrong value is named even
where a stronger place overrides it. `wiseflow config show` prints what holds and where it came
from.
"""
_LATER = """
## Known, not used yet

This version accepts these, so that one file serves later versions too, and does nothing with them.
Their values are not checked when they come from the environment, where other programs use some of
the names.
"""


def render_reference() -> str:
    """The page, as Markdown."""
    used = [setting for setting in SETTINGS if setting.used]
    parts = [_HEAD]
    for group in GROUPS:
        parts.extend(_section(group, [one for one in used if _group(one) == group]))
    parts.extend(_section("environment only", [one for one in used if not one.place]))
    parts.append(_LATER)
    parts.append("| name | YAML | default | what it sets |\n| --- | --- | --- | --- |")
    parts.extend(
        f"| `{one.name}` | {_code(one.place)} | {_default(one)} | {one.help} |"
        for one in SETTINGS
        if not one.used
    )
    return "\n".join(parts) + "\n"


def _section(title: str, settings: list[Setting]) -> list[str]:
    if not settings:
        return []
    return [f"\n## {title}\n", "\n\n".join(_entry(setting) for setting in settings)]


def _entry(setting: Setting) -> str:
    facts = [f"must be {setting.expects}", f"default: {_default(setting)}"]
    if setting.place:
        facts.insert(0, f"YAML `{setting.place}`")
    return f"### `{setting.name}`\n\n{setting.help}\n\n{'; '.join(facts)}."


def _default(setting: Setting) -> str:
    if setting.secret or not setting.default:
        return "none"
    return setting.default if " " in setting.default else f"`{setting.default}`"


def _code(place: str) -> str:
    return f"`{place}`" if place else "—"


def _group(setting: Setting) -> str:
    return setting.place.partition(".")[0]


if __name__ == "__main__":
    sys.stdout.write(render_reference())
