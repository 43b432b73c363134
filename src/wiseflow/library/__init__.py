"""The document library: ingest documents into collections, and search them."""
