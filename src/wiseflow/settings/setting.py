"""What is known of one setting beside its type: its place, its help, whether it is secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo

_KINDS: dict[type, str] = {int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Stands in a field's annotation and says what the type cannot.

    Args:
        place: where it stands in the YAML file, as ``group.key``; "" when it cannot stand there.
        help: one sentence.
        default: the default in words, where it depends on the machine or on other settings.
        expects: what a right value is, in words, where the type does not say it.
        used: whether this version does anything with it.
    """

    place: str
    help: str
    default: str = ""
    expects: str = ""
    used: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """All that is known of one setting.

    Args:
        name: of the environment variable; the field is its lower case.
        place: ``group.key`` in the YAML file, or "".
        help: one sentence.
        expects: what a right value is, as it completes "must be …".
        default: in words.
        secret: whether its value is hidden everywhere.
        used: whether this version does anything with it.
    """

    name: str
    place: str
    help: str
    expects: str
    default: str
    secret: bool
    used: bool

    @property
    def field(self) -> str:
        """The attribute of ``Settings`` that holds it."""
        return self.name.lower()


def setting_of(field: str, info: FieldInfo) -> Setting:
    """The setting that a field of the model declares."""
    about = next(one for one in info.metadata if isinstance(one, About))
    return Setting(
        name=field.upper(),
        place=about.place,
        help=about.help,
        expects=about.expects or _expects(info),
        default=about.default or _told(info.default),
        secret=info.annotation is SecretStr,
        used=about.used,
    )


def choices(annotation: Any) -> tuple[str, ...]:
    """The values a ``Literal`` allows; none for another type."""
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _expects(info: FieldInfo) -> str:
    allowed = choices(info.annotation)
    if allowed:
        return f"{', '.join(allowed[:-1])} or {allowed[-1]}"
    kind = _KINDS.get(info.annotation, "text") if isinstance(info.annotation, type) else "text"
    return " ".join([kind, _bounds(info)]).strip()


def _bounds(info: FieldInfo) -> str:
    words: list[str] = []
    for one in info.metadata:
        match one:
            case Ge(ge=bound):
                words.append(f"of at least {bound}")
            case Gt(gt=bound):
                words.append(f"above {bound}")
            case Le(le=bound):
                words.append(f"at most {bound}")
            case _:
                pass
    return " and ".join(words)


def _told(default: object) -> str:
    if isinstance(default, SecretStr):
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)
