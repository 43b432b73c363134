"""Which pages a research read, and which it could not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JOB_ID = sa.String(length=26).with_variant(sa.String(length=26, collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "job_sources",
        sa.Column("job_id", JOB_ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.job_id"], name=op.f("fk_job_sources_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "url", name=op.f("pk_job_sources")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_job_sources_source_id"), "job_sources", ["source_id"])


def downgrade() -> None:
    """Drop it, and what it holds."""
    op.drop_table("job_sources")
