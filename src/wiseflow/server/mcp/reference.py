"""The reference page of the tools, made from their table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from wiseflow.core.access import Scope
from wiseflow.server.mcp.tools import TOOLS, Tool

HEAD = """# Tools for assistants

Made from the code by `make docs`; do not edit. How to set them up:
[use-with-an-assistant.md](../how-to/use-with-an-assistant.md).

Each tool gives its answer as a record of a schema, and as text. An error is told in words, with
what can be done about it. Reports are resources, too: `wiseflow://reports/ID`, in Markdown.
"""
JSON = {"string": "text", "integer": "whole number", "number": "number", "boolean": "yes or no"}


def render_tools() -> str:
    """The page, in Markdown."""
    return "\n".join([HEAD, *map(_section, TOOLS)])


def _section(tool: Tool) -> str:
    scope = Scope.RUN if tool.changes else Scope.READ
    schema = tool.takes.model_json_schema()
    lines = [f"## `{tool.name}`\n\n{tool.about}\n\nNeeds a key with the scope `{scope}`."]
    if rows := list(_rows(schema)):
        lines += ["", "| argument | what | |", "|---|---|---|", *rows]
    return "\n".join([*lines, ""])


def _rows(schema: Mapping[str, Any]) -> Iterator[str]:
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        found = _resolved(field, schema)
        about = field.get("description") or found.get("description", "")
        usual = "Required." if name in required else _usual(field)
        yield f"| `{name}` | {_kind(found, schema)} | {' '.join(filter(None, (about, usual)))} |"


def _resolved(field: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A field without what only says that it may be left out, and where it is told elsewhere."""
    choices = [one for one in field.get("anyOf", [field]) if one.get("type") != "null"]
    name = str(choices[0].get("$ref", "")).rpartition("/")[2]
    return schema["$defs"][name] if name else choices[0]


def _kind(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{one}`" for one in field["enum"])
    if field["type"] == "array":
        return f"list of: {_kind(_resolved(field['items'], schema), schema)}"
    if field["type"] == "object":
        names = ", ".join(f"`{name}`" for name in cast("dict[str, object]", field["properties"]))
        return f"object of {names}"
    return JSON[field["type"]]


def _usual(field: Mapping[str, Any]) -> str:
    usual = field.get("default")
    return "" if usual in (None, "", []) else f"Usually {usual}."
