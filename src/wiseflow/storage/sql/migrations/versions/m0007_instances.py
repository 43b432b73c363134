"""The instances of the program, and jobs claimed by who submitted them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SECONDS: sa.Double[float] = sa.Double()
_CLAIMABLE = sa.text("claimable_at IS NOT NULL")


def upgrade() -> None:
    """Make the table, and the indexes that a claim needs now."""
    op.create_table(
        "instances",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("started_at", _SECONDS, nullable=False),
        sa.Column("seen_at", _SECONDS, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_instances")),
    )
    op.create_index(op.f("ix_jobs_submitter_started_at"), "jobs", ["submitter", "started_at"])
    op.drop_index("ix_jobs_claim", "jobs")
    _index_claims("kind", "submitter", "claim_order", "job_id")


def downgrade() -> None:
    """Forget the instances, and order all claimable jobs in one line again."""
    op.drop_index("ix_jobs_claim", "jobs")
    _index_claims("claim_order", "job_id")
    op.drop_index(op.f("ix_jobs_submitter_started_at"), "jobs")
    op.drop_table("instances")


def _index_claims(*columns: str) -> None:
    op.create_index(
        "ix_jobs_claim", "jobs", list(columns), sqlite_where=_CLAIMABLE, postgresql_where=_CLAIMABLE
    )
