"""Server-sent events, read line by line.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, "Parsing an event stream".
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message.

    Args:
        event: its type.
        data: its text, its lines joined.
        number: its id where that is a number, else ``None``.
    """

    event: str
    data: str
    number: int | None = None


async def messages(lines: AsyncIterator[str]) -> AsyncIterator[Message]:
    """The messages of a stream; one that breaks off before its empty line is left out."""
    fields: dict[str, list[str]] = {}
    async for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
            continue
        if "data" in fields:
            number = fields.get("id", [""])[-1]
            yield Message(
                event=fields.get("event", ["message"])[-1],
                data="\n".join(fields["data"]),
                number=int(number) if number.isascii() and number.isdecimal() else None,
            )
        fields = {}
