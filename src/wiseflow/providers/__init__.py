"""Adapters of what is outside: models, search providers, embedders, web pages."""
