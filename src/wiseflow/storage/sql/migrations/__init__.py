"""Alembic's migrations; run them through ``schema.upgrade``."""
