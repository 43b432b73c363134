"""The first tables: jobs with their journal, events and reports; documents with their passages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JOB_ID = sa.String(length=26).with_variant(sa.String(length=26, collation="C"), "postgresql")
DOUBLE: sa.Double[float] = sa.Double()
CLAIMABLE = sa.text("claimable_at IS NOT NULL")


def upgrade() -> None:
    """Make the tables."""
    _create_collections()
    _create_jobs()
    _index_jobs()
    _create_events()
    _create_files()
    _create_job_tags()
    _create_reports()
    _create_sources()
    _create_steps()
    _create_passages()
    _create_report_sources()


def downgrade() -> None:
    """Drop them, and what they hold."""
    op.drop_table("report_sources")
    op.drop_table("passages")
    op.drop_table("steps")
    op.drop_table("sources")
    op.drop_table("reports")
    op.drop_table("job_tags")
    op.drop_table("files")
    op.drop_table("events")
    op.drop_table("jobs")
    op.drop_table("collections")


def _create_collections() -> None:
    op.create_table(
        "collections",
        sa.Column("collection_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("collection_id", name=op.f("pk_collections")),
        sa.UniqueConstraint("name", name=op.f("uq_collections_name")),
    )


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("job_id", JOB_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("priority", sa.String(length=10), nullable=False),
        sa.Column("claim_order", DOUBLE, nullable=False),
        sa.Column("claimable_at", DOUBLE, nullable=True),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("progress", DOUBLE, nullable=False),
        sa.Column("partial", sa.Boolean(), nullable=False),
        sa.Column("stop_reason", sa.String(length=20), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("cost", DOUBLE, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=False),
        sa.Column("lease_token", sa.BigInteger(), nullable=False),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("created_at", DOUBLE, nullable=False),
        sa.Column("started_at", DOUBLE, nullable=True),
        sa.Column("completed_at", DOUBLE, nullable=True),
        sa.Column("delivered_at", DOUBLE, nullable=True),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_jobs_idempotency_key")),
    )


def _index_jobs() -> None:
    op.create_index(op.f("ix_jobs_batch_status"), "jobs", ["batch", "status"], unique=False)
    op.create_index(
        "ix_jobs_claim",
        "jobs",
        ["claim_order", "job_id"],
        unique=False,
        sqlite_where=CLAIMABLE,
        postgresql_where=CLAIMABLE,
    )
    op.create_index(
        "ix_jobs_claim_batch",
        "jobs",
        ["batch", "claim_order", "job_id"],
        unique=False,
        sqlite_where=CLAIMABLE,
        postgresql_where=CLAIMABLE,
    )
    op.create_index(op.f("ix_jobs_status_job_id"), "jobs", ["status", "job_id"], unique=False)


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("job_id", JOB_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", DOUBLE, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.job_id"], name=op.f("fk_events_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_events")),
        sqlite_with_rowid=False,
    )


def _create_files() -> None:
    op.create_table(
        "files",
        sa.Column("collection_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("modified_ns", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("parser", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.collection_id"],
            name=op.f("fk_files_collection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", "path", name=op.f("pk_files")),
        sqlite_with_rowid=False,
    )


def _create_job_tags() -> None:
    op.create_table(
        "job_tags",
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("job_id", JOB_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.job_id"], name=op.f("fk_job_tags_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tag", "job_id", name=op.f("pk_job_tags")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_job_tags_job_id"), "job_tags", ["job_id"], unique=False)


def _create_reports() -> None:
    op.create_table(
        "reports",
        sa.Column("job_id", JOB_ID, nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("at", DOUBLE, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.job_id"], name=op.f("fk_reports_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_reports")),
    )


def _create_sources() -> None:
    op.create_table(
        "sources",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("collection_id", sa.Integer(), nullable=True),
        sa.Column("collection", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("published", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("index_state", sa.String(length=8), nullable=False),
        sa.Column("passage_count", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "index_state IN ('add', 'indexed', 'remove', 'retired')",
            name=op.f("ck_sources_index_state"),
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.collection_id"],
            name=op.f("fk_sources_collection_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_sources")),
    )
    op.create_index(
        op.f("ix_sources_collection_id_index_state"),
        "sources",
        ["collection_id", "index_state"],
        unique=False,
    )
    op.create_index(
        op.f("ix_sources_collection_id_path"), "sources", ["collection_id", "path"], unique=False
    )


def _create_steps() -> None:
    op.create_table(
        "steps",
        sa.Column("job_id", JOB_ID, nullable=False),
        sa.Column("step_key", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("at", DOUBLE, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.job_id"], name=op.f("fk_steps_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "step_key", name=op.f("pk_steps")),
    )


def _create_passages() -> None:
    op.create_table(
        "passages",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("start_char", sa.Integer(), nullable=False),
        sa.Column("end_char", sa.Integer(), nullable=False),
        sa.Column("heading", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["sources.source_id"],
            name=op.f("fk_passages_source_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source_id", "number", name=op.f("pk_passages")),
        sqlite_with_rowid=False,
    )


def _create_report_sources() -> None:
    op.create_table(
        "report_sources",
        sa.Column("job_id", JOB_ID, nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["reports.job_id"],
            name=op.f("fk_report_sources_job_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("job_id", "source_id", name=op.f("pk_report_sources")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_report_sources_source_id"), "report_sources", ["source_id"], unique=False
    )
