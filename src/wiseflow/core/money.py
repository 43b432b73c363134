"""Money, as a person reads it."""

from __future__ import annotations

CURRENCY = "USD"


def money(amount: float | None) -> str:
    """An amount with its currency: ``0.0123 USD``, ``12.30 USD``; "cost unknown" for ``None``."""
    if amount is None:
        return "cost unknown"
    # Calls cost parts of a cent.
    return f"{amount:.4f} {CURRENCY}" if 0 < amount < 1 else f"{amount:.2f} {CURRENCY}"
