"""All settings there are, by name and by place in the YAML file."""

from __future__ import annotations

from typing import Final

from pydantic import create_model

from wiseflow.settings.endpoints import endpoint_fields
from wiseflow.settings.later import later_fields
from wiseflow.settings.model import Settings
from wiseflow.settings.setting import Setting, setting_of

AllSettings: Final[type[Settings]] = create_model(
    "AllSettings", __base__=Settings, **endpoint_fields(), **later_fields()
)
SETTINGS: Final[tuple[Setting, ...]] = tuple(
    setting_of(field, info) for field, info in AllSettings.model_fields.items()
)
BY_NAME: Final = {setting.name: setting for setting in SETTINGS}
BY_PLACE: Final = {setting.place: setting for setting in SETTINGS if setting.place}
GROUPS: Final = tuple(dict.fromkeys(place.partition(".")[0] for place in BY_PLACE))
