"""WiseFlow: many deep-research questions at once, every citation checked against its source."""

__version__ = "0.1.0"
