"""Documents of one principal: collections of uploaded files, searched and deleted."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from wiseflow.app.application import Application
from wiseflow.core.access import Principal, Scope
from wiseflow.core.documents import Hit
from wiseflow.core.errors import InvalidInput, NotFound, TooLarge
from wiseflow.core.library import Collection, FileRecord
from wiseflow.library.collections import check_collection_name, collection_folder, tenant_folder
from wiseflow.library.ingesting import IngestReport
from wiseflow.text.parsing import SUPPORTED_SUFFIXES

UPLOADS = "uploads"
NAME_BYTES = 200
COPY_BYTES = 1 << 20
# What every file system keeps as it is given.
_FILE_NAME = re.compile(r"\w[\w .,()\[\]+&'@#-]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file to be kept.

    Args:
        name: with an ending that can be read.
        size: in bytes.
        content: from its beginning.
    """

    name: str
    size: int
    content: BinaryIO


class DocumentService:
    """The documents of a principal's tenant.

    Args:
        application: open.
        principal: who asks.
    """

    def __init__(self, application: Application, principal: Principal) -> None:
        self._app = application
        self.principal = principal

    async def collections(self) -> list[Collection]:
        """The tenant's collections by name. Raises ``Forbidden``."""
        self.principal.require(Scope.READ)
        return await self._app.collections(tenant=self._tenant)

    async def collection(self, name: str) -> Collection:
        """One of them. Raises ``NotFound``, ``Forbidden``."""
        for one in await self.collections():
            if one.name == name:
                return one
        raise NotFound(f"there is no collection {name!r}")

    async def files(self, collection: str) -> list[FileRecord]:
        """The files of a collection by path. Raises ``NotFound``, ``Forbidden``."""
        await self.collection(collection)
        found = await self._app.documents_of(self._tenant).files(collection)
        return [found[path] for path in sorted(found)]

    async def upload(
        self, collection: str, files: Sequence[Upload], *, private: bool = False
    ) -> IngestReport:
        """Keep files and read them into a collection, which is made if there is none.

        A file of a name that is there takes its place. One that cannot be read is not kept.

        Args:
            collection: its name.
            files: what to keep.
            private: make it one whose passages never leave this machine.

        Raises:
            Forbidden: the principal may not change documents.
            InvalidInput: a name cannot be used.
            TooLarge: a file is larger than is read, or the tenant's quota is used up.
            Conflict: another process changes the collection.
        """
        self.principal.require(Scope.RUN)
        check_collection_name(collection)
        for one in files:
            self._check(one)
        folder = self._folder(collection)
        await asyncio.to_thread(self._keep, folder, files)
        report = await self._app.ingest(
            [folder], collection=collection, private=private, tenant=self._tenant
        )
        named = tuple((Path(path).name, why) for path, why in report.failed)
        for name, _ in named:
            await asyncio.to_thread((folder / name).unlink, missing_ok=True)
        return replace(report, failed=named)

    async def remove(self, collection: str, name: str) -> None:
        """Take an uploaded file out of a collection.

        Raises:
            NotFound: it has none of that name.
            Forbidden: the principal may not change documents.
            Conflict: another process changes the collection.
        """
        self.principal.require(Scope.RUN)
        await self.collection(collection)
        folder = self._folder(collection)
        kept = _FILE_NAME.match(name) is not None and (folder / name).is_file()
        if not kept:
            raise NotFound(f"no file {name!r} was uploaded to {collection!r}")
        await asyncio.to_thread((folder / name).unlink, missing_ok=True)
        await self._app.ingest([folder], collection=collection, tenant=self._tenant)

    async def delete(self, collection: str) -> None:
        """Erase a collection, its index and its uploaded files. Raises ``NotFound``."""
        self.principal.require(Scope.RUN)
        await self.collection(collection)
        await self._app.delete_collection(collection, tenant=self._tenant)
        await asyncio.to_thread(shutil.rmtree, self._folder(collection), ignore_errors=True)

    async def search(self, query: str, *, collection: str, k: int) -> Sequence[Hit]:
        """The best ``k`` passages of a collection; raises as ``Application.search``."""
        self.principal.require(Scope.READ)
        await self.collection(collection)
        return await self._app.search(query, collection=collection, k=k, tenant=self._tenant)

    @property
    def _tenant(self) -> str:
        return self.principal.tenant

    def _uploads(self) -> Path:
        return tenant_folder(self._app.settings.data_dir.absolute(), self._tenant) / UPLOADS

    def _folder(self, collection: str) -> Path:
        return self._uploads() / collection_folder(Path(), collection).path.name

    def _check(self, one: Upload) -> None:
        if not _FILE_NAME.match(one.name) or len(one.name.encode()) > NAME_BYTES:
            raise InvalidInput(
                f"a file cannot be named {one.name[:100]!r}",
                cure="Begin with a letter or digit; go on with these, spaces and -_.,()[]+&'@#",
            )
        if not one.name.lower().endswith(SUPPORTED_SUFFIXES):
            raise InvalidInput(
                f"{one.name!r} has no ending that can be read",
                cure=f"There is {', '.join(SUPPORTED_SUFFIXES)}",
            )
        most = self._app.settings.index_max_file_bytes
        if one.size > most:
            raise TooLarge(f"{one.name!r} has {one.size:,} bytes, and may have {most:,}")

    def _keep(self, folder: Path, files: Sequence[Upload]) -> None:
        """Write files, each whole or not at all, if there is room for all."""
        folder.mkdir(parents=True, exist_ok=True)
        replaced = sum(
            (folder / one.name).stat().st_size for one in files if (folder / one.name).is_file()
        )
        used = sum(path.stat().st_size for path in self._uploads().rglob("*"))
        wanted = used - replaced + sum(one.size for one in files)
        quota = self._app.settings.upload_quota_bytes
        if wanted > quota:
            raise TooLarge(
                f"the uploaded files would come to {wanted:,} bytes, and may have {quota:,}",
                cure="Delete files or collections first, or raise UPLOAD_QUOTA_BYTES",
            )
        for one in files:
            part = folder / f".{one.name}.part"
            with part.open("wb") as written:
                shutil.copyfileobj(one.content, written, COPY_BYTES)
            part.replace(folder / one.name)
