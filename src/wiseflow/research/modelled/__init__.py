"""The author that asks models."""
