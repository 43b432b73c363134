"""The settings as they may be shown: each value with its origin, and no secret."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from wiseflow.observability.redaction import mask_url_passwords
from wiseflow.settings.model import DEFAULT_ORIGIN, Settings
from wiseflow.settings.registry import SETTINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSetting:
    """One setting as a person may see it.

    Args:
        name: of the setting.
        value: what holds; of a secret only ``set`` or ``not set``.
        origin: where it came from.
        used: whether this version does anything with it.
    """

    name: str
    value: str | float | bool
    origin: str
    used: bool

    @property
    def is_set(self) -> bool:
        """Whether it holds otherwise than by default."""
        return self.origin != DEFAULT_ORIGIN

    @property
    def text(self) -> str:
        """The value on one line, without control characters."""
        if isinstance(self.value, str):
            return self.value if self.value.isprintable() else json.dumps(self.value)
        return str(self.value).lower().removesuffix(".0")


def shown_settings(settings: Settings) -> list[ShownSetting]:
    """All settings, in the order of the reference."""
    return [
        ShownSetting(
            name=one.name,
            value=_shown(settings, one.field),
            origin=settings.origin(one.name),
            used=one.used,
        )
        for one in SETTINGS
    ]


def _shown(settings: Settings, field: str) -> str | float | bool:
    match value := getattr(settings, field):
        case SecretStr():
            return "set" if value.get_secret_value() else "not set"
        case bool() | int() | float():
            return value
        case Path():
            return str(value)
        case _:
            return mask_url_passwords(str(value))
