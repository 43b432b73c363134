"""The tables of the service: which instances of the program there are.

Beside those in ``tables``, of the same ``metadata``; what is said there holds here.
"""

from __future__ import annotations

from sqlalchemy import Column, Double, Integer, PrimaryKeyConstraint, String, Table, Text

from wiseflow.storage.sql.tables import metadata

_SECONDS: Double[float] = Double()

instances = Table(
    "instances",
    metadata,
    Column("name", Text, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("host", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("running", Integer, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    PrimaryKeyConstraint("name"),
)
