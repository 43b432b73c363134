"""Reads the two levels of a YAML settings file with the line of each value.

The nodes are taken as they were parsed, before YAML makes values of them: so the lines are known,
a key given twice is seen, and ``off`` stays the word it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "timestamp", "value")
)
_NULL_TAG = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlValue:
    """A value, as text; "" for null. The key is ``group.key``, or a bare one of the top level."""

    line: int
    key: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlFault:
    """What is wrong in a line."""

    line: int
    what: str


def entries(text: str, *, groups: Sequence[str]) -> Iterator[YamlValue | YamlFault]:
    """The values of the file, or what is wrong with it, in the order of the lines.

    Args:
        text: of the file.
        groups: the names the top level may hold.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        yield _broken(error)
        return
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        yield YamlFault(line=line, what="a character that YAML does not allow; remove it")
        return
    except RecursionError:
        yield YamlFault(line=1, what="nested too deeply; a settings file has two levels")
        return
    if root is not None and root.tag != _NULL_TAG:
        yield from _top_level(root, groups)


def _top_level(root: yaml.Node, groups: Sequence[str]) -> Iterator[YamlValue | YamlFault]:
    if not isinstance(root, yaml.MappingNode):
        what = "the file must hold groups of settings, such as `logging:` with `level: INFO` in it"
        yield YamlFault(line=_line(root), what=what)
        return
    for name, key, value in _pairs(root):
        if isinstance(name, YamlFault):
            yield name
        elif isinstance(value, yaml.MappingNode):
            for inner, inner_key, inner_value in _pairs(value):
                place = f"{name}.{inner}"
                yield (
                    inner if isinstance(inner, YamlFault) else _value(place, inner_key, inner_value)
                )
        elif name in groups and value.tag != _NULL_TAG:
            what = f"{name} is a group: its settings stand below it, one a line, indented"
            yield YamlFault(line=_line(key), what=what)
        elif name not in groups:
            yield YamlValue(line=_line(key), key=name, text="")


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[str | YamlFault, yaml.Node, yaml.Node]]:
    first: dict[str, int] = {}
    for key, value in node.value:
        line = _line(key)
        if not isinstance(key, yaml.ScalarNode):
            yield YamlFault(line=line, what="a name must be one word"), key, value
            continue
        name = str(key.value)
        earlier = first.setdefault(name, line)
        if earlier == line:
            yield name, key, value
        else:
            what = f"{name} stands in line {earlier} already; keep one of the two"
            yield YamlFault(line=line, what=what), key, value


def _value(place: str, key: yaml.Node, value: yaml.Node) -> YamlValue | YamlFault:
    line = _line(key)
    if value.tag == _NULL_TAG:
        return YamlValue(line=line, key=place, text="")
    if isinstance(value, yaml.ScalarNode) and value.tag in _PLAIN_TAGS:
        return YamlValue(line=line, key=place, text=str(value.value))
    if isinstance(value, yaml.SequenceNode) and all(
        isinstance(item, yaml.ScalarNode) and item.tag in _PLAIN_TAGS for item in value.value
    ):
        text = ",".join(str(item.value) for item in value.value)
        return YamlValue(line=line, key=place, text=text)
    return YamlFault(line=line, what=f"{place} must be one plain value")


def _broken(error: yaml.MarkedYAMLError) -> YamlFault:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 1
    if "'\\t'" in str(error.problem):
        return YamlFault(line=line, what="a tab where YAML allows none; indent with spaces")
    what = " ".join(str(part) for part in (error.context, error.problem) if part)
    return YamlFault(line=line, what=f"this is not YAML ({what}); mend it or quote the value")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
