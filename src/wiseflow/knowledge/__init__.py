"""The knowledge index: passages of one collection, found by words and by vectors."""
