"""Limits of providers' keys that instances share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DOUBLE: sa.Double[float] = sa.Double()


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "limit_keys",
        sa.Column("limit_key", sa.Text(), nullable=False),
        sa.Column("paused_until", DOUBLE, nullable=False),
        sa.PrimaryKeyConstraint("limit_key", name=op.f("pk_limit_keys")),
    )
    op.create_table(
        "limit_loans",
        sa.Column("loan_id", sa.Integer(), nullable=False),
        sa.Column("limit_name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("at", DOUBLE, nullable=False),
        sa.Column("amount", DOUBLE, nullable=False),
        sa.PrimaryKeyConstraint("loan_id", name=op.f("pk_limit_loans")),
    )
    op.create_index(op.f("ix_limit_loans_limit_name_at"), "limit_loans", ["limit_name", "at"])
    op.create_table(
        "limit_slots",
        sa.Column("limit_key", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("until", DOUBLE, nullable=False),
        sa.PrimaryKeyConstraint("limit_key", "holder", name=op.f("pk_limit_slots")),
    )
    op.create_table(
        "limits_found",
        sa.Column("limit_key", sa.Text(), nullable=False),
        sa.Column("dimension", sa.String(length=20), nullable=False),
        sa.Column("amount", DOUBLE, nullable=False),
        sa.Column("until", DOUBLE, nullable=False),
        sa.PrimaryKeyConstraint("limit_key", "dimension", name=op.f("pk_limits_found")),
    )


def downgrade() -> None:
    """Drop them, and what they hold."""
    for table in ("limits_found", "limit_slots", "limit_loans", "limit_keys"):
        op.drop_table(table)
