"""Documents under ``/api/v1/collections``, and searches in them."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, File, Form, Path, Query, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from wiseflow.app.services.documents import Upload
from wiseflow.core.documents import Hit
from wiseflow.core.library import DEFAULT_COLLECTION, Collection, FileRecord
from wiseflow.library.ingesting import IngestReport
from wiseflow.library.searching import MOST_HITS
from wiseflow.server.principals import Documents
from wiseflow.server.problems import problems
from wiseflow.server.scopes import READ, RUN
from wiseflow.server.strict import StrictRoute

LONGEST_NAME = 200
LONGEST_QUERY = 4000
MOST_FILES = 1000
router = APIRouter(tags=["documents"], route_class=StrictRoute, dependencies=[READ])

Name = Annotated[
    str,
    Path(
        min_length=1,
        max_length=LONGEST_NAME,
        pattern=r"^[^\x00-\x1f\x7f/]+$",
        description="Of the collection.",
        examples=["papers"],
    ),
]
FileName = Annotated[
    str, Path(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f/]+$")
]


class CollectionAnswer(BaseModel):
    """A collection of documents."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    private: Annotated[bool, Field(description="Whether its passages never leave the machine.")]
    files: int
    sources: int
    passages: int


class CollectionsAnswer(BaseModel):
    """The collections, by name."""

    collections: list[CollectionAnswer]


class FileAnswer(BaseModel):
    """A file of a collection."""

    name: str
    size: Annotated[int, Field(description="In bytes.")]
    sha256: str
    error: Annotated[str, Field(description="Why it could not be read, or empty.")]

    @classmethod
    def of(cls, record: FileRecord) -> FileAnswer:
        """The answer that tells of a file; its folder is nobody's business."""
        name = FilePath(record.path).name
        return cls(name=name, size=record.size, sha256=record.sha256, error=record.error)


class FilesAnswer(BaseModel):
    """The files of a collection."""

    files: list[FileAnswer]


class FailedFile(BaseModel):
    """A file that could not be read, and is not kept."""

    name: str
    reason: str


class UploadAnswer(BaseModel):
    """What became of an upload."""

    added: int
    changed: int
    unchanged: int
    failed: list[FailedFile]
    passages: Annotated[int, Field(description="How many were stored.")]

    @classmethod
    def of(cls, report: IngestReport) -> UploadAnswer:
        """The answer that tells of an ingest."""
        return cls(
            added=report.added,
            changed=report.changed,
            unchanged=report.unchanged,
            failed=[FailedFile(name=name, reason=reason) for name, reason in report.failed],
            passages=report.passages,
        )


class HitAnswer(BaseModel):
    """A passage that was found."""

    rank: int
    score: Annotated[float, Field(description="Higher is better, within one search.")]
    source_id: str
    document_id: str
    title: str
    heading: str
    url: str
    published: str
    language: str
    start: int
    end: int
    text: str

    @classmethod
    def of(cls, rank: int, hit: Hit) -> HitAnswer:
        """The answer that tells of a hit."""
        passage = hit.passage
        return cls(
            rank=rank,
            score=hit.score,
            source_id=passage.source_id,
            document_id=hit.document_id,
            title=passage.title,
            heading=passage.heading,
            url=hit.url,
            published=hit.published,
            language=hit.language,
            start=passage.start,
            end=passage.end,
            text=passage.text,
        )


class HitsAnswer(BaseModel):
    """What a search found, best first."""

    hits: list[HitAnswer]


class SearchQuery(BaseModel):
    """A search."""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_QUERY,
            description="Words, a question or a longer text.",
            examples=["spring tides"],
        ),
    ]
    collection: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)] = DEFAULT_COLLECTION
    k: Annotated[int, Field(ge=1, le=MOST_HITS)] = 10


@router.get("/collections")
async def list_collections(documents: Documents) -> CollectionsAnswer:
    """All collections."""
    found: list[Collection] = await documents.collections()
    return CollectionsAnswer(collections=[CollectionAnswer.model_validate(one) for one in found])


@router.delete(
    "/collections/{collection}", status_code=204, responses=problems(404, 409), dependencies=[RUN]
)
async def delete_collection(collection: Name, documents: Documents) -> None:
    """Erase a collection with its files; sources that reports cite stay until those go."""
    await documents.delete(collection)


@router.get("/collections/{collection}/files", responses=problems(404))
async def list_files(collection: Name, documents: Documents) -> FilesAnswer:
    """The files of a collection."""
    records = await documents.files(collection)
    return FilesAnswer(files=[FileAnswer.of(one) for one in records])


@router.post("/collections/{collection}/files", responses=problems(409), dependencies=[RUN])
async def upload_files(
    collection: Name,
    documents: Documents,
    files: Annotated[list[UploadFile], File(description="What to keep and read.")],
    *,
    private: Annotated[
        bool, Form(description="Make it a collection that never leaves the machine.")
    ] = False,
) -> UploadAnswer:
    """Upload files into a collection, which is made if there is none."""
    uploads = [
        Upload(name=one.filename or "", size=one.size or 0, content=one.file) for one in files
    ]
    return UploadAnswer.of(await documents.upload(collection, uploads, private=private))


@router.delete(
    "/collections/{collection}/files/{name}",
    status_code=204,
    responses=problems(404, 409),
    dependencies=[RUN],
)
async def delete_file(collection: Name, name: FileName, documents: Documents) -> None:
    """Take an uploaded file out of a collection."""
    await documents.remove(collection, name)


@router.get("/search", responses=problems(404))
async def search_documents(
    documents: Documents, wanted: Annotated[SearchQuery, Query()]
) -> HitsAnswer:
    """The best passages of a collection."""
    hits = await documents.search(wanted.query, collection=wanted.collection, k=wanted.k)
    return HitsAnswer(hits=[HitAnswer.of(rank, hit) for rank, hit in enumerate(hits, start=1)])
