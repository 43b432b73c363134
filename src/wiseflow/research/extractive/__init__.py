"""The author that needs no model: it plans from the documents and quotes their sentences."""
