"""What an earlier research found, taken up by a job that goes on from there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wiseflow.core.errors import NotFound
from wiseflow.core.jobs import Lease
from wiseflow.core.ports import CollectionReader, PageStore, ReportStore
from wiseflow.core.report import Report
from wiseflow.research.rendering.json import report_from_text

EARLIER_STEP = "earlier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known from an earlier research; journalled, so that it outlives that research.

    Args:
        research_id: of the earlier research.
        title: of its report.
        language: ISO 639-1 code of its report, or "".
        summary: its sentences.
        source_ids: of the sources that it read or cited, which the new job now holds: those first
            that it cites, in its order.
        providers: who had found a source, by its id, as far as the report tells.
        private: whether one of them must not leave this machine.
    """

    research_id: str
    title: str
    language: str
    summary: tuple[str, ...]
    source_ids: tuple[str, ...]
    providers: dict[str, str]
    private: bool = False


class Findings:
    """Takes earlier researches up.

    Args:
        reports: where their reports are.
        pages: where what they read is held.
        collections: gives what tells which of a tenant's collections must not leave.
    """

    def __init__(
        self,
        *,
        reports: ReportStore,
        pages: PageStore,
        collections: Callable[[str], CollectionReader],
    ) -> None:
        self._reports = reports
        self._pages = pages
        self._collections = collections

    async def take_up(self, research_id: str, lease: Lease, *, tenant: str = "") -> Known:
        """What a research found; its sources are the job's own from now on.

        Args:
            research_id: of the earlier research.
            lease: of the job that goes on from there.
            tenant: whose both are.

        Raises:
            NotFound: the earlier research is deleted, or has no report.
            LeaseLost: another worker holds the job now.
        """
        # Held first: were the earlier research deleted after that, its report is then still read
        # before, or not found, and never half of it.
        held = await self._pages.adopt(lease, research_id)
        try:
            report = report_from_text(await self._reports.get(research_id))
        except NotFound:
            raise NotFound(
                f"the earlier research {research_id} is deleted, or has no report",
                cure="Name one that is completed, or research the topic without it",
            ) from None
        ids = _in_order(report, held)
        stored = await self._pages.pages(ids)
        names = {one.source.collection for one in stored.values()}
        collections = self._collections(tenant)
        return Known(
            research_id=research_id,
            title=report.title or report.topic,
            language=report.language,
            summary=tuple(claim.text for claim in report.summary),
            source_ids=tuple(one for one in ids if one in stored),
            providers={source.id: source.provider for source in report.sources},
            private=any([await collections.is_private(name) for name in sorted(names)]),
        )


def _in_order(report: Report, held: Sequence[str]) -> list[str]:
    """The held sources, those first that the report cites."""
    cited = [source.id for source in report.sources]
    return [one for one in dict.fromkeys([*cited, *held]) if one in set(held)]
