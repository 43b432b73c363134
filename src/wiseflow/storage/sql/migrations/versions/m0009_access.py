"""API keys, the audit log, secrets, and whose a collection is.

Nothing is rebuilt, so that a process of the version before goes on beside this one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SECONDS: sa.Double[float] = sa.Double()


def upgrade() -> None:
    """Add them; what there is belongs to who is at this machine."""
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(12), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("scope", sa.String(10), nullable=False),
        sa.Column("requests_per_minute", sa.Integer()),
        sa.Column("created_at", SECONDS, nullable=False),
        sa.Column("expires_at", SECONDS),
        sa.Column("last_used_at", SECONDS),
        sa.Column("revoked_at", SECONDS),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
    )
    op.create_index(op.f("ix_api_keys_tenant_created_at"), "api_keys", ["tenant", "created_at"])
    op.create_table(
        "audit_log",
        sa.Column(
            "number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True
        ),
        sa.Column("at", SECONDS, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_log")),
    )
    op.create_index(op.f("ix_audit_log_tenant_number"), "audit_log", ["tenant", "number"])
    op.create_index(op.f("ix_audit_log_at"), "audit_log", ["at"])
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("set_at", SECONDS, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )
    op.add_column("collections", sa.Column("tenant", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Drop them: keys, log and secrets are lost, and tenants' collections are nobody's."""
    op.drop_column("collections", "tenant")
    op.drop_table("secrets")
    op.drop_table("audit_log")
    op.drop_table("api_keys")
