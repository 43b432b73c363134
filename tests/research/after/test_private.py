"""What was read from a private collection does not leave with a question or a follow-up."""

import pytest

from wiseflow.core.calls import RunContext
from wiseflow.core.configuration import Configuration
from wiseflow.core.documents import Source
from wiseflow.core.jobs import Lease
from wiseflow.core.library import StoredSource
from wiseflow.research.earlier import Findings
from wiseflow.research.handler import commissioned
from wiseflow.research.rendering.json import report_to_text

LEASE = Lease(job_id="new", owner="o", token=1)


class Shelf:
    """One stored source of the collection ``diary``, its report, and whether that is private."""

    def __init__(self, report, *, private):
        self._report, self._private = report, private

    async def adopt(self, lease, job_id):
        return ["s1"]

    async def get(self, job_id):
        return report_to_text(self._report)

    async def is_private(self, collection):
        return self._private and collection == "diary"

    async def pages(self, source_ids):
        fields = dict.fromkeys(("document_id", "path", "title", "url", "published", "sha256"), "")
        source = Source(source_id="s1", collection="diary", language="en", text="x", **fields)
        return {"s1": StoredSource(source=source, passages=())}


@pytest.fixture(params=[True, False])
def private(request):
    return request.param


@pytest.fixture
def shelf(make_report, private):
    return Shelf(make_report(), private=private)


async def test_calls_stay_on_this_machine_when_an_earlier_source_is_private(shelf, private):
    findings = Findings(reports=shelf, pages=shelf, collections=lambda _: shelf)

    known = await findings.take_up("old", LEASE)
    commission = commissioned(Configuration(), RunContext(run_id="new"), LEASE, known)

    assert known.source_ids == ("s1",)
    assert known.private is commission.context.local_only is private
