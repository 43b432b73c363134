from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from wiseflow.core.errors import ConfigurationError
from wiseflow.settings.loading import load_settings
from wiseflow.settings.model import Settings

Load = Callable[..., Settings]
Problems = Callable[..., list[str]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads settings from texts: ``env`` and ``yaml`` become files."""

    def loaded(
        *,
        environ: Mapping[str, str] | None = None,
        flags: Mapping[str, str] | None = None,
        env: str | bytes | None = None,
        yaml: str | bytes | None = None,
    ) -> Settings:
        given: dict[str, Any] = {}
        for key, name, text in (("dotenv", ".env", env), ("yaml_file", "config.yaml", yaml)):
            if text is not None:
                given[key] = tmp_path / name
                given[key].write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_settings(environ=environ or {}, flags=flags or {}, **given)

    return loaded


@pytest.fixture
def problems(load: Load, tmp_path: Path) -> Problems:
    """The problems that loading names, one a line, with paths from the test's folder."""

    def named(**sources: Any) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            load(**sources)
        lines = str(caught.value).replace(f"{tmp_path}/", "").splitlines()
        return [line.strip() for line in (lines[1:] if len(lines) > 1 else lines)]

    return named
