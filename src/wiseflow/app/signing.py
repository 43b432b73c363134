"""Secrets that sign what this program hands out and gets back: one for each purpose."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

from wiseflow.app.sealing import masters_of
from wiseflow.core.errors import StorageError
from wiseflow.settings.model import Settings

FILE = "signing.key"
_BYTES = 32


def signing_secret(settings: Settings, purpose: str) -> bytes:
    """The secret that signs for a purpose.

    It is made from ``WISEFLOW_SECRET_KEY``, the newest where there are several. Without it, from a
    file in the data folder that only its owner may read: enough for one machine, and what was
    signed stays good when the program starts again.

    Raises:
        ConfigurationError: ``WISEFLOW_SECRET_KEY`` is too short.
        StorageError: the file can be neither read nor made.
    """
    given = masters_of(settings)
    master = given[0].encode() if given else _kept(settings.data_dir / FILE)
    return hmac.digest(master, f"wiseflow {purpose}".encode(), hashlib.sha256)


def _kept(path: Path) -> bytes:
    with contextlib.suppress(FileNotFoundError):
        return _read(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whole before it has its name, and never in place of another process's.
        number, name = tempfile.mkstemp(dir=path.parent, prefix=FILE)
        with os.fdopen(number, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        try:
            with contextlib.suppress(FileExistsError):
                os.link(name, path)
        finally:
            Path(name).unlink()
    except OSError as error:
        raise StorageError(
            f"{path} cannot be made: {error.strerror}", cure="Set WISEFLOW_SECRET_KEY, or mend that"
        ) from error
    return _read(path)


def _read(path: Path) -> bytes:
    try:
        kept = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read: {error.strerror}", cure="Let its owner read it"
        ) from error
    if len(kept) < _BYTES:
        raise StorageError(f"{path} is cut short", cure="Delete it; who is logged in logs in again")
    return kept
