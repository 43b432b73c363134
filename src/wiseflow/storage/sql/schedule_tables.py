"""The tables of schedules, of webhooks and of shared reports; see ``tables``."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from wiseflow.storage.sql.tables import jobs, metadata

_ID = jobs.c.job_id.type
_SECONDS: Double[float] = Double()

# The last research has no key to jobs: it may be deleted, and then nothing is known of its end.
# ``settled`` says that ``last_status`` is final, so that ended runs are looked at once.
schedules = Table(
    "schedules",
    metadata,
    Column("schedule_id", _ID, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("submitter", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("cron", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("configuration", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("priority", String(10), nullable=False),
    Column("when_missed", String(10), nullable=False),
    Column("when_overlapping", String(10), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", _SECONDS, nullable=False),
    Column("next_at", _SECONDS),
    Column("last_at", _SECONDS),
    Column("last_job_id", _ID, nullable=False),
    Column("last_status", String(20)),
    Column("settled", Boolean, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("overlaps", Integer, nullable=False),
    Column("missed", Integer, nullable=False),
    Column("error", Text, nullable=False),
    PrimaryKeyConstraint("schedule_id"),
    UniqueConstraint("tenant", "name"),
    Index(None, "next_at"),
)

# Jobs of a tenant that ended up to ``swept_to`` have been told of; see webhooks.SqlWebhookStore.
webhooks = Table(
    "webhooks",
    metadata,
    Column("webhook_id", _ID, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("submitter", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("with_report", Boolean, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("error", Text, nullable=False),
    Column("created_at", _SECONDS, nullable=False),
    Column("swept_to", _SECONDS, nullable=False),
    PrimaryKeyConstraint("webhook_id"),
    Index(None, "tenant"),
)

# What is told of one end of one research. The id of a delivery is that of its message: it stays the
# same however often it is sent. No key to jobs, as a research may be deleted before it is told of.
deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", _ID, nullable=False),
    Column(
        "webhook_id", _ID, ForeignKey("webhooks.webhook_id", ondelete="CASCADE"), nullable=False
    ),
    Column("job_id", _ID, nullable=False),
    Column("ended_at", _SECONDS, nullable=False),
    Column("event", String(40), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", _SECONDS, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("tried_at", _SECONDS),
    Column("delivered_at", _SECONDS),
    Column("http_status", Integer),
    Column("error", Text, nullable=False),
    PrimaryKeyConstraint("delivery_id"),
    UniqueConstraint("webhook_id", "job_id", "ended_at"),
    Index(None, "created_at"),
)

shares = Table(
    "shares",
    metadata,
    Column("share_id", _ID, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("submitter", Text, nullable=False),
    Column("job_id", _ID, ForeignKey("jobs.job_id", ondelete="CASCADE"), nullable=False),
    Column("created_at", _SECONDS, nullable=False),
    Column("expires_at", _SECONDS, nullable=False),
    Column("revoked_at", _SECONDS),
    PrimaryKeyConstraint("share_id"),
    Index(None, "job_id"),
)

# Made once for all instances, where no key is set.
signing_keys = Table(
    "signing_keys",
    metadata,
    Column("name", Text, nullable=False),
    Column("secret", Text, nullable=False),
    PrimaryKeyConstraint("name"),
)

# What ended lately, for the webhooks of a tenant: a long history costs a look nothing.
_ENDED = text("completed_at IS NOT NULL")
Index(
    "ix_jobs_told", jobs.c.tenant, jobs.c.completed_at, sqlite_where=_ENDED, postgresql_where=_ENDED
)
