"""Shared budgets of providers' keys, and what to do when a call fails."""
