"""Links to reports: made for one principal, and followed by anybody."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wiseflow.app.application import Application
from wiseflow.app.service import Service
from wiseflow.core.access import Principal, Scope
from wiseflow.core.errors import Conflict, MissingExtra, NotFound
from wiseflow.core.report import Report, SourceReference
from wiseflow.core.shares import Share

if TYPE_CHECKING:  # of an extra
    from itsdangerous import Signer

KEY_NAME = "shares"
WEEK_S = 7 * 86_400.0
MOST_LINKS = 100
_LONGEST_TOKEN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link and the token that opens it."""

    share: Share
    token: str


class SharesService:
    """Links of a tenant.

    Args:
        application: open.
        principal: who asks.
    """

    def __init__(self, application: Application, principal: Principal) -> None:
        self._app = application
        self._store = application.upkeep.shares
        self.principal = principal

    async def share(self, research_id: str, *, seconds: float = WEEK_S) -> Link:
        """A new link to the report of a research.

        Args:
            research_id: of the research.
            seconds: how long it holds.

        Raises:
            Forbidden: the principal may not run researches.
            NotFound: there is no such research.
            Conflict: it has no report, or too many links.
            MissingExtra: what signs links is not installed.
        """
        self.principal.require(Scope.RUN)
        job = await Service(self._app, self.principal).research(research_id)
        await self._app.follow_ups.finished(job.job_id)
        if len(await self.shares(job.job_id)) >= MOST_LINKS:
            raise Conflict(f"there are {MOST_LINKS} links to this report already")
        share = await self._store.add(
            job.job_id,
            tenant=self.principal.tenant,
            submitter=self.principal.key_id,
            seconds=seconds,
        )
        return await self._link(share)

    async def shares(self, research_id: str) -> Sequence[Link]:
        """The links to a report, newest first. Raises ``NotFound``, ``Forbidden``."""
        job = await Service(self._app, self.principal).research(research_id)
        found = await self._store.list(job.job_id, tenant=self.principal.tenant)
        return [await self._link(share) for share in found]

    async def revoke(self, share_id: str) -> Share:
        """Take a link back. Raises ``NotFound``, ``Forbidden``."""
        self.principal.require(Scope.RUN)
        return await self._store.revoke(share_id, tenant=self.principal.tenant)

    async def _link(self, share: Share) -> Link:
        signer = await _signer(self._app)
        return Link(share=share, token=signer.sign(share.share_id).decode())


async def shared_report(application: Application, token: str) -> Report:
    """The report that a token opens, without what says more than the report does.

    Raises:
        NotFound: the token is wrong, expired or taken back, or the research is deleted; which of
            these is not told.
    """
    signer = await _signer(application)
    token = token[:_LONGEST_TOKEN]
    if not signer.validate(token):
        raise _nothing()
    share_id = signer.unsign(token).decode()
    job_id = await application.upkeep.shares.shared(share_id)
    if job_id is None:
        raise _nothing()
    try:
        return without_places(await application.report(job_id))
    except NotFound:
        raise _nothing() from None


def without_places(report: Report) -> Report:
    """A report without folders of the machine it was made on, and without other researches."""
    return replace(
        report,
        sources=tuple(_named(source) for source in report.sources),
        facts=replace(report.facts, builds_on=None),
    )


def _named(source: SourceReference) -> SourceReference:
    name = source.path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return replace(source, path=name, url="" if source.url.startswith("file:") else source.url)


async def _signer(application: Application) -> Signer:
    try:
        from itsdangerous import Signer  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtra("server", "links to reports") from None
    key = await application.upkeep.shares.signing_key(KEY_NAME)
    return Signer(key, salt="wiseflow.shares", digest_method=hashlib.sha256)


def _nothing() -> NotFound:
    return NotFound("nothing is shared here", cure="Ask who gave you the link for a new one")
