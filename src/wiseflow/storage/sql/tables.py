"""The tables. Times are seconds since the epoch by the database's clock; JSON is text.

Each change here needs a migration; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Ids sort byte by byte on both, whatever the server's language.
_ID = String(26).with_variant(String(26, collation="C"), "postgresql")
_SOURCE_ID = String(64)
_SECONDS: Double[float] = Double()
_NUMBER: Double[float] = Double()

# ``name`` is one over all tenants: that of a tenant stands here as ``library.qualified`` makes it.
collections = Table(
    "collections",
    metadata,
    Column("collection_id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("private", Boolean, nullable=False),
    Column("tenant", Text, nullable=False, server_default=""),
    UniqueConstraint("name"),
)

files = Table(
    "files",
    metadata,
    Column(
        "collection_id",
        Integer,
        ForeignKey("collections.collection_id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("path", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified_ns", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("parser", Text, nullable=False),
    Column("error", Text, nullable=False),
    PrimaryKeyConstraint("collection_id", "path"),
    sqlite_with_rowid=False,
)

# ``index_state`` says what the index has still to do about a source: see documents.IndexState.
# A source outlives its collection while a report cites it; its collection is then NULL, and
# ``collection`` keeps the name.
sources = Table(
    "sources",
    metadata,
    Column("source_id", _SOURCE_ID, nullable=False),
    Column("collection_id", Integer, ForeignKey("collections.collection_id", ondelete="SET NULL")),
    Column("collection", Text, nullable=False),
    Column("document_id", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("published", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("index_state", String(8), nullable=False),
    Column("passage_count", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("authors", Text, nullable=False, server_default="[]"),
    Column("site", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("source_id"),
    CheckConstraint("index_state IN ('add', 'indexed', 'remove', 'retired')", name="index_state"),
    Index(None, "collection_id", "index_state"),
    Index(None, "collection_id", "path"),
)

# Spans only: a passage's text is ``sources.text[start_char:end_char]``.
passages = Table(
    "passages",
    metadata,
    Column(
        "source_id", _SOURCE_ID, ForeignKey("sources.source_id", ondelete="CASCADE"), nullable=False
    ),
    Column("number", Integer, nullable=False),
    Column("start_char", Integer, nullable=False),
    Column("end_char", Integer, nullable=False),
    Column("heading", Text, nullable=False),
    PrimaryKeyConstraint("source_id", "number"),
    sqlite_with_rowid=False,
)

# ``claim_order`` is the time the job became claimable plus its priority's head start, so that one
# index gives the best job although jobs age. ``claimable_at`` is when anybody may take the job: for
# a pending one now or after the wait before a retry, for a running one when its lease runs out, for
# others NULL.
jobs = Table(
    "jobs",
    metadata,
    Column("job_id", _ID, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("priority", String(10), nullable=False),
    Column("claim_order", _SECONDS, nullable=False),
    Column("claimable_at", _SECONDS),
    Column("tags", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("batch", Text, nullable=False),
    Column("idempotency_key", Text),
    Column("tenant", Text, nullable=False, server_default=""),
    Column("submitter", Text, nullable=False, server_default=""),
    Column("progress", _NUMBER, nullable=False),
    Column("partial", Boolean, nullable=False),
    Column("stop_reason", String(20)),
    Column("error", Text, nullable=False),
    Column("cost", _NUMBER),
    Column("attempt", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("lease_owner", Text, nullable=False),
    Column("lease_token", BigInteger, nullable=False),
    Column("event_count", Integer, nullable=False),
    Column("created_at", _SECONDS, nullable=False),
    Column("started_at", _SECONDS),
    Column("completed_at", _SECONDS),
    Column("delivered_at", _SECONDS),
    PrimaryKeyConstraint("job_id"),
    UniqueConstraint("idempotency_key"),
    Index(None, "status", "job_id"),
    Index(None, "batch", "status"),
    Index(None, "tenant", "job_id"),
    Index(None, "submitter", "started_at"),
)
# Only jobs that can be claimed are in these two: a long history costs a claim nothing.
_CLAIMABLE = text("claimable_at IS NOT NULL")
Index(
    "ix_jobs_claim",
    jobs.c.kind,
    jobs.c.submitter,
    jobs.c.claim_order,
    jobs.c.job_id,
    sqlite_where=_CLAIMABLE,
    postgresql_where=_CLAIMABLE,
)
Index(
    "ix_jobs_claim_batch",
    jobs.c.batch,
    jobs.c.claim_order,
    jobs.c.job_id,
    sqlite_where=_CLAIMABLE,
    postgresql_where=_CLAIMABLE,
)
# Counts those that have ended without a look at their rows.
_ENDED = text("completed_at IS NOT NULL")
Index("ix_jobs_ended", jobs.c.kind, jobs.c.status, sqlite_where=_ENDED, postgresql_where=_ENDED)

job_tags = Table(
    "job_tags",
    metadata,
    Column("tag", Text, nullable=False),
    Column("job_id", _ID, ForeignKey("jobs.job_id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("tag", "job_id"),
    Index(None, "job_id"),
    sqlite_with_rowid=False,
)

# The journal: what each finished step of a job gave.
steps = Table(
    "steps",
    metadata,
    Column("job_id", _ID, ForeignKey("jobs.job_id", ondelete="CASCADE"), nullable=False),
    Column("step_key", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("at", _SECONDS, nullable=False),
    PrimaryKeyConstraint("job_id", "step_key"),
)

events = Table(
    "events",
    metadata,
    Column("job_id", _ID, ForeignKey("jobs.job_id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", _SECONDS, nullable=False),
    Column("type", Text, nullable=False),
    Column("data", Text, nullable=False),
    PrimaryKeyConstraint("job_id", "number"),
    sqlite_with_rowid=False,
)

reports = Table(
    "reports",
    metadata,
    Column("job_id", _ID, ForeignKey("jobs.job_id", ondelete="CASCADE"), nullable=False),
    Column("report", Text, nullable=False),
    Column("at", _SECONDS, nullable=False),
    PrimaryKeyConstraint("job_id"),
)

# Which sources a report cites. No key to sources: a report may be saved just after a source it
# cites was erased, and that must not lose the report.
report_sources = Table(
    "report_sources",
    metadata,
    Column("job_id", _ID, ForeignKey("reports.job_id", ondelete="CASCADE"), nullable=False),
    Column("source_id", _SOURCE_ID, nullable=False),
    PrimaryKeyConstraint("job_id", "source_id"),
    Index(None, "source_id"),
    sqlite_with_rowid=False,
)

# What a research fetched: the source it became (the page, or what a search told of it), and why its
# page could not be read. No key to sources: what holds a source is asked for when one is erased.
job_sources = Table(
    "job_sources",
    metadata,
    Column("job_id", _ID, ForeignKey("jobs.job_id", ondelete="CASCADE"), nullable=False),
    Column("url", Text, nullable=False),
    Column("source_id", _SOURCE_ID),
    Column("error", Text, nullable=False),
    PrimaryKeyConstraint("job_id", "url"),
    Index(None, "source_id"),
    sqlite_with_rowid=False,
)

# What was learned of kinds of tasks, to be expected of the next ones.
statistics = Table(
    "statistics",
    metadata,
    Column("kind", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("at", _SECONDS, nullable=False),
    PrimaryKeyConstraint("kind"),
)

# Limits of providers' keys that instances share. A key's row is locked by whoever lends of it.
limit_keys = Table(
    "limit_keys",
    metadata,
    Column("limit_key", Text, nullable=False),
    Column("paused_until", _SECONDS, nullable=False),
    PrimaryKeyConstraint("limit_key"),
)

# ``limit_name`` is of a key, a dimension and a window. What was lent counts while its window lasts.
limit_loans = Table(
    "limit_loans",
    metadata,
    Column("loan_id", Integer, primary_key=True),
    Column("limit_name", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("at", _SECONDS, nullable=False),
    Column("amount", _NUMBER, nullable=False),
    Index(None, "limit_name", "at"),
)

limit_slots = Table(
    "limit_slots",
    metadata,
    Column("limit_key", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("held", Integer, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("until", _SECONDS, nullable=False),
    PrimaryKeyConstraint("limit_key", "holder"),
)

limits_found = Table(
    "limits_found",
    metadata,
    Column("limit_key", Text, nullable=False),
    Column("dimension", String(20), nullable=False),
    Column("amount", _NUMBER, nullable=False),
    Column("until", _SECONDS, nullable=False),
    PrimaryKeyConstraint("limit_key", "dimension"),
)
