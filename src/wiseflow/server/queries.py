"""Which researches a list is to hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from wiseflow.core.configuration import ResearchMode
from wiseflow.core.jobs import JobFilter, JobStatus
from wiseflow.server.paging import read_cursor

PAGE, MOST_LISTED = 50, 500
LATEST = 1e11  # seconds since the epoch: the year 5138

Moment = Annotated[float, Field(ge=0, le=LATEST, allow_inf_nan=False)]


class ListQuery(BaseModel):
    """The filters of a list."""

    model_config = ConfigDict(extra="forbid")

    status: Annotated[list[JobStatus], Field(max_length=20, description="Any of these.")] = []
    tag: Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")] = ""
    mode: ResearchMode | None = None
    since: Annotated[
        Moment | None, Field(description="Made at or after, in seconds since the epoch.")
    ] = None
    until: Annotated[
        Moment | None, Field(description="Made at or before, in seconds since the epoch.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=MOST_LISTED)] = PAGE
    cursor: Annotated[
        str, Field(max_length=100, description="Of the page before, as it was given.")
    ] = ""

    def filter(self) -> JobFilter:
        """The jobs of the page, and one more, which tells that there is another page.

        Raises:
            InvalidInput: nobody gave out that cursor.
        """
        return JobFilter(
            statuses=tuple(self.status),
            tag=self.tag,
            mode=self.mode or "",
            since=self.since,
            until=self.until,
            after=read_cursor(self.cursor),
            limit=self.limit + 1,
        )
