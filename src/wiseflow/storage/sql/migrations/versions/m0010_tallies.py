"""Totals of jobs that never become less, and an index that counts those that have ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ENDED = sa.text("completed_at IS NOT NULL")


def upgrade() -> None:
    """Add both; what was erased before is not counted."""
    op.create_table(
        "job_tallies",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "what", name=op.f("pk_job_tallies")),
    )
    op.create_index(
        "ix_jobs_ended", "jobs", ["kind", "status"], sqlite_where=_ENDED, postgresql_where=_ENDED
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_index("ix_jobs_ended", "jobs")
    op.drop_table("job_tallies")
