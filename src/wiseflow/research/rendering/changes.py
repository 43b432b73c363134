"""What changed between two reports, as JSON values, Markdown or one HTML page."""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import cast

from pydantic import TypeAdapter

from wiseflow.core.report import SourceReference
from wiseflow.research.changing import ChangedClaim, Changes, ClaimPlace
from wiseflow.research.rendering.markdown import line_of
from wiseflow.research.rendering.reading import label_of, printable

NOTHING = "Nothing changed: the same sources, claims, values and verdicts as before."
_CHANGES: TypeAdapter[Changes] = TypeAdapter(Changes)
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;"
    "color:#1d2330;background:#fff}h1{font-size:1.5rem}h2{font-size:1.15rem}"
    "li{margin:.4rem 0;overflow-wrap:anywhere}"
    "@media(prefers-color-scheme:dark){body{color:#e6e9f0;background:#14171f}}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A kind of change as it is shown: a title and a line for each."""

    title: str
    lines: tuple[str, ...]


def changes_to_json(changes: Changes) -> dict[str, object]:
    """The changes as JSON values; ``nothing`` says whether there are none."""
    told = cast("dict[str, object]", _CHANGES.dump_python(changes, mode="json"))
    return {**told, "nothing": changes.nothing}


def changes_to_markdown(changes: Changes) -> str:
    """The changes as Markdown."""
    parts = [f"# {line_of(f'Changes: {changes.title}')}", line_of(heading(changes))]
    for part in parts_of(changes):
        parts += [f"## {part.title}", "\n".join(f"- {line_of(line)}" for line in part.lines)]
    return "\n\n".join(parts) + "\n"


def changes_to_html(changes: Changes) -> str:
    """The changes as one page that needs nothing else, and runs nothing."""
    digest = b64encode(sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    title = _escaped(f"Changes: {changes.title}")
    body = [f"<h1 dir='auto'>{title}</h1>", f"<p>{_escaped(heading(changes))}</p>"]
    for part in parts_of(changes):
        items = "\n".join(f"<li><bdi>{_escaped(line)}</bdi></li>" for line in part.lines)
        body.append(f"<h2>{part.title}</h2>\n<ul>\n{items}\n</ul>")
    return (
        "<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        "<meta name='color-scheme' content='light dark'>\n"
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def heading(changes: Changes) -> str:
    """What was compared with what, and how much of it stayed."""
    compared = f"Research {changes.research_id}, compared with {changes.since_id}."
    if changes.nothing:
        return f"{compared} {NOTHING}"
    return f"{compared} {changes.kept} claims say the same as before."


def parts_of(changes: Changes) -> list[Part]:
    """The kinds of changes that there are, what matters most first."""
    parts = (
        _part("Other values", changes.changed_values, _values),
        _part("Supported otherwise", changes.changed_verdicts, _verdicts),
        _part("New claims", changes.new_claims, _claim),
        _part("Claims no longer made", changes.dropped_claims, _claim),
        _part("New sources", changes.new_sources, _source),
        _part("Sources no longer used", changes.vanished_sources, _source),
        _part("Sources with another text", [one.after for one in changes.changed_sources], _source),
    )
    return [part for part in parts if part.lines]


def _part(title: str, items: Sequence[object], line: Callable[..., str]) -> Part:
    return Part(title=title, lines=tuple(printable(line(one)) for one in items))


def _values(one: ChangedClaim) -> str:
    change = f"{', '.join(one.old_values)} → {', '.join(one.new_values)}"
    return f"{change}: “{one.after.claim.text}” (before: “{one.before.claim.text}”)"


def _verdicts(one: ChangedClaim) -> str:
    return (
        f"{one.old_verdict or 'not cited'} → {one.new_verdict or 'not cited'}: {_claim(one.after)}"
    )


def _claim(one: ClaimPlace) -> str:
    return f"“{one.claim.text}”" + (f" ({one.section})" if one.section else "")


def _source(one: SourceReference) -> str:
    where = one.url or one.path
    return f"{label_of(one)} ({where})" if where else label_of(one)


def _escaped(text: str) -> str:
    return html.escape(printable(text))
