"""Collections: their names, and their folders on the disk."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from wiseflow.core.errors import InvalidInput
from wiseflow.core.tenants import check_tenant

_NAME_BYTES = 200
_SLUG_LENGTH = 40
_HASH_LENGTH = 8
_UNSAFE = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionFolder:
    """Where a collection lies on the disk.

    ::

        <data folder>/collections/<name>/index/    the search index
        <data folder>/collections/<name>/lock      held by whoever changes the collection
    """

    path: Path

    @property
    def index(self) -> Path:
        """The folder of the search index."""
        return self.path / "index"

    @property
    def lock(self) -> Path:
        """The file that is locked while the collection changes."""
        return self.path / "lock"


def tenant_folder(data_folder: Path, tenant: str) -> Path:
    """The data folder of a tenant, which is all of it for who is at this machine.

    A tenant's name holds nothing that leads out of a folder: see ``tenants.check_tenant``.
    """
    return data_folder / "tenants" / check_tenant(tenant) if tenant else data_folder


def collection_folder(data_folder: Path, collection: str) -> CollectionFolder:
    """The folder of a collection, whatever characters its name has."""
    return CollectionFolder(path=data_folder / "collections" / _file_name(collection, collection))


def collection_for_folder(path: Path, *others: Path) -> str:
    """The name of the collection that holds a folder's documents: ``notes-1f3a5c7e``.

    Two folders never share a name; the same folder always has the same, also through a link.
    Several folders together have a name of their own, whatever their order.
    """
    places = sorted({one.expanduser().resolve() for one in (path, *others)})
    return _file_name(places[0].name, "\0".join(map(str, places)))


def check_collection_name(name: str) -> str:
    """``name`` itself.

    Raises:
        InvalidInput: it is blank, too long, or holds control characters.
    """
    if not name.strip():
        raise InvalidInput(
            f"the collection's name {shown(name)} is blank",
            cure="Give it a name with letters or digits",
        )
    size = len(name.encode(errors="replace"))
    if size > _NAME_BYTES:
        raise InvalidInput(
            f"the collection's name {shown(name)} has {size:,} bytes, more than {_NAME_BYTES}",
            cure=f"Shorten it to {_NAME_BYTES} bytes: as many plain letters, fewer of others",
        )
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        raise InvalidInput(
            f"the collection's name {shown(name)} holds control characters",
            cure="Take them out; letters, digits, spaces and signs may stay",
        )
    return name


def shown(text: str) -> str:
    """``text`` in quotes, shortened, nothing in it that a terminal obeys."""
    return ascii(text if len(text) <= _SLUG_LENGTH else text[:_SLUG_LENGTH] + "…")


def _file_name(readable: str, unique: str) -> str:
    plain = unicodedata.normalize("NFKD", readable).encode("ascii", "ignore").decode().lower()
    slug = _UNSAFE.sub("-", plain)[:_SLUG_LENGTH].strip("-") or "documents"
    digest = hashlib.sha256(unique.encode(errors="surrogateescape")).hexdigest()
    return f"{slug}-{digest[:_HASH_LENGTH]}"
