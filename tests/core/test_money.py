import pytest

from wiseflow.core.money import money


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(None, "cost unknown"), (0.0, "0.00 USD"), (0.00812, "0.0081 USD"), (12.345, "12.35 USD")],
)
def test_money_is_shown_with_its_currency_and_never_as_nothing_when_unknown(amount, shown):
    assert money(amount) == shown
