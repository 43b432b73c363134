"""Who wrote a source, and which site or journal it is of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of the sources that are there nothing is known."""
    op.add_column("sources", sa.Column("authors", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("sources", sa.Column("site", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Drop them, and what they hold."""
    for column in ("site", "authors"):
        op.drop_column("sources", column)
