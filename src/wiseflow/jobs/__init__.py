"""Durable jobs: the journal, the handler's context, the worker."""
