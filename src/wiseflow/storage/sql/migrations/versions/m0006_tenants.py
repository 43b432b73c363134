"""Whose a job is, and which key asked for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what there is belongs to who is at this machine."""
    op.add_column("jobs", sa.Column("tenant", sa.Text(), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("submitter", sa.Text(), nullable=False, server_default=""))
    op.create_index(op.f("ix_jobs_tenant_job_id"), "jobs", ["tenant", "job_id"])


def downgrade() -> None:
    """Drop them: all jobs are seen by everybody again."""
    op.drop_index(op.f("ix_jobs_tenant_job_id"), "jobs")
    op.drop_column("jobs", "submitter")
    op.drop_column("jobs", "tenant")
