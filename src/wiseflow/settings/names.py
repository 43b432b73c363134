"""Which setting a name that is not known may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from wiseflow.settings.registry import BY_NAME, BY_PLACE, GROUPS, SETTINGS

PREFIX = "WISEFLOW_"
# In a shell, other programs' variables stand beside ours. A name counts as a slip of ours when it
# is this near to one that is long enough not to be met by chance.
ONE_EDIT_FROM = 8
TWO_EDITS_FROM = 14
# Names of other programs that lie that near.
OTHERS = frozenset(
    {
        "DATABASE_URI",
        "DATABASE_URLS",
        "GLM_API_KEY",
        "HTTP_PROXY",
        "LOGLEVEL",
        "LOG_FILES",
        "LOG_LEVELS",
    }
)


def suggestion(name: str) -> str:
    """What an error says after the unknown name of a setting: the nearest right one."""
    by_place = BY_PLACE.get(name.lower())
    return _hint(by_place.name if by_place else _nearest(name.upper(), BY_NAME))


def unknown_in_yaml(key: str) -> str:
    """What is wrong with a key of the YAML file that is no setting, with the nearest right one."""
    group, _, inner = key.rpartition(".")
    known = BY_NAME.get((inner or key).upper())
    place = known.place if known else ""
    if not group and not place:
        return f"there is no group {key}{_hint(_nearest(key.lower(), GROUPS))}"
    return f"there is no setting {key}{_hint(place or _nearest(key.lower(), _near_places(group)))}"


def environment_mistake(name: str) -> str:
    """What is wrong with an environment variable that was meant to be ours; "" when it was not."""
    if name.startswith(PREFIX):
        bare = name.removeprefix(PREFIX)
        return f"there is no setting of this name{suggestion(bare if bare in BY_NAME else name)}"
    upper = name.upper()
    if upper in OTHERS or len(name) < ONE_EDIT_FROM:
        return ""
    allowed = 2 if len(name) >= TWO_EDITS_FROM else 1
    for setting in SETTINGS:
        if setting.used and _is_slip(upper, setting.name, allowed):
            return (
                f"there is no setting of this name; did you mean {setting.name}? "
                "Rename it, or unset it if it is another program's"
            )
    return ""


def edits(left: str, right: str) -> int:
    """How many letters to add, drop, change or swap with the next to make one of the other.

    Source: the optimal string alignment distance (Damerau 1964; Wagner and Lowrance 1975).
    """
    before: list[int] = []
    above = list(range(len(right) + 1))
    for row, letter in enumerate(left, start=1):
        current = [row]
        for column, other in enumerate(right, start=1):
            cost = min(above[column] + 1, current[-1] + 1, above[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == right[column - 2] and left[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        before, above = above, current
    return above[-1]


def _hint(near: str) -> str:
    return f"; did you mean {near}?" if near else "; the reference page of settings lists them"


def _is_slip(name: str, known: str, allowed: int) -> bool:
    # A digit more or less tells one of several databases or hosts, not a slip of the finger.
    digits = sum(letter.isdigit() for letter in name) != sum(letter.isdigit() for letter in known)
    near = abs(len(name) - len(known)) <= allowed
    return near and not digits and edits(name, known) <= allowed


def _near_places(group: str) -> Iterable[str]:
    same = [place for place in BY_PLACE if place.startswith(f"{group}.")]
    return same or BY_PLACE


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return close[0] if close else ""
