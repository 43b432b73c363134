"""The tables of who may do what, and of what was done. They share the ``metadata`` of ``tables``.

Each change here needs a migration; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from wiseflow.storage.sql.tables import metadata

_SECONDS: Double[float] = Double()
# SQLite numbers rows by itself only where the type is just this.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

# Rows are never deleted: the audit log names keys by their ids.
api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", String(12), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("scope", String(10), nullable=False),
    Column("requests_per_minute", Integer),
    Column("created_at", _SECONDS, nullable=False),
    Column("expires_at", _SECONDS),
    Column("last_used_at", _SECONDS),
    Column("revoked_at", _SECONDS),
    PrimaryKeyConstraint("key_id"),
    UniqueConstraint("digest"),
    Index(None, "tenant", "created_at"),
)

# Append-only: rows are added, and deleted only when they are older than they are to be kept.
audit_log = Table(
    "audit_log",
    metadata,
    Column("number", _NUMBER, primary_key=True),
    Column("at", _SECONDS, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Index(None, "tenant", "number"),
    Index(None, "at"),
)

# What users set of the settings that are secret, encrypted: see ``app.secrets``.
secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("set_at", _SECONDS, nullable=False),
    PrimaryKeyConstraint("name"),
)
