"""Names as parts of addresses."""

from urllib.parse import quote

from wiseflow.core.errors import InvalidInput


def segment(name: str) -> str:
    """A name as one part of a path, whatever characters it has.

    Raises:
        InvalidInput: it is one that means another place.
    """
    if name in {"", ".", ".."}:
        raise InvalidInput(f"{name!r} is no name", cure="Give an id, or a name")
    return quote(name, safe="")
