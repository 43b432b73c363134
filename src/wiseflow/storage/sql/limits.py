"""Limits that instances share, in SQL.

Each verb locks the rows of its keys first (SQLite has one writer anyway), always in one order, so
that two that lend of the same keys wait for each other and never in a circle. What is lent is then
decided by ``core.lending``, on times of the database's clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update

from wiseflow.core.lending import LEARNT_FOR_S, Loan, granted, lent, taken_back
from wiseflow.core.limits import Dimension, LeaseAsk, Leased, LeaseReturn, LimitKey, SlotAsk
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now, upsert
from wiseflow.storage.sql.tables import limit_keys, limit_loans, limit_slots, limits_found

# Stands in no name of a provider or model.
_BETWEEN = "\x1f"


class SqlLimitStore:
    """Shared limits; see ``LimitStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lease(self, asks: Sequence[LeaseAsk], *, holder: str) -> Leased:
        """Lend of several limits at once: at least what is needed of each, or nothing."""

        async def unit(connection: Connection) -> Leased:
            pauses, at = await _lock(connection, [ask.key for ask in asks])
            loans = await _loans(connection, asks, at)
            answers = [lent(loans[_name(ask)], ask, at) for ask in asks]
            waits = [wait for _, wait in answers] + [until - at for until in pauses.values()]
            retry_in_s = max(0.0, *waits)
            amounts = tuple(0.0 if retry_in_s else amount for amount, _ in answers)
            if not retry_in_s:
                await _lend(connection, asks, amounts, holder, at)
            return Leased(
                amounts=amounts,
                retry_in_s=retry_in_s,
                used=tuple(
                    amount + sum(loan.amount for loan in loans[_name(ask)])
                    for ask, amount in zip(asks, amounts, strict=True)
                ),
                learnt=await _found(connection, asks),
            )

        return await self._database.write(unit)

    async def give_back(self, returns: Sequence[LeaseReturn], *, holder: str) -> None:
        """Take back what its holder did not use."""

        async def unit(connection: Connection) -> None:
            await _lock(connection, [back.key for back in returns])
            for back in returns:
                await _take_back(connection, back, holder)

        await self._database.write(unit)

    async def hold(self, ask: SlotAsk, *, holder: str) -> int:
        """How many calls of a key a holder may have under way from now on."""
        key = _text(ask.key)
        of_key = limit_slots.c.limit_key == key
        gone = or_(limit_slots.c.holder == holder, limit_slots.c.until <= now())

        async def unit(connection: Connection) -> int:
            await _lock(connection, [ask.key])
            await connection.execute(delete(limit_slots).where(of_key, gone))
            if not ask.wanted:
                return 0
            columns = select(limit_slots.c.held, limit_slots.c.wanted).where(of_key)
            others = [(row.held, row.wanted) for row in await connection.execute(columns)]
            count = granted(ask.in_use, ask.wanted, ask.limit, others)
            row = {"limit_key": key, "holder": holder, "held": count, "wanted": ask.wanted}
            await connection.execute(insert(limit_slots).values(until=now() + ask.ttl_s, **row))
            return count

        return await self._database.write(unit)

    async def pause(self, key: LimitKey, seconds: float) -> None:
        """Lend nothing of a key for so long; a longer pause stays."""
        until = now() + seconds

        async def unit(connection: Connection) -> None:
            await _lock(connection, [key])
            shorter = and_(limit_keys.c.limit_key == _text(key), limit_keys.c.paused_until < until)
            await connection.execute(update(limit_keys).where(shorter).values(paused_until=until))

        await self._database.write(unit)

    async def learn(self, key: LimitKey, dimension: Dimension, limit: float) -> None:
        """Keep a limit that was found, for the other instances."""

        async def unit(connection: Connection) -> None:
            statement = upsert(connection, limits_found).values(
                limit_key=_text(key),
                dimension=dimension.value,
                amount=limit,
                until=now() + LEARNT_FOR_S,
            )
            new = statement.excluded
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["limit_key", "dimension"],
                    set_={"amount": new.amount, "until": new.until},
                )
            )

        await self._database.write(unit)


async def _lock(connection: Connection, keys: Iterable[LimitKey]) -> tuple[dict[str, float], float]:
    """Until when each key is paused, and the time; nobody else lends of them until the end."""
    names = sorted({_text(key) for key in keys})
    rows = [{"limit_key": name, "paused_until": 0.0} for name in names]
    await connection.execute(upsert(connection, limit_keys).on_conflict_do_nothing(), rows)
    statement = (
        select(limit_keys.c.limit_key, limit_keys.c.paused_until)
        .where(limit_keys.c.limit_key.in_(names))
        .order_by(limit_keys.c.limit_key)
        .with_for_update()
    )
    pauses = dict((await connection.execute(statement)).all())
    # Asked when the rows are locked: nobody who lent before has a later time.
    return pauses, float(await connection.scalar(select(now())))


async def _loans(
    connection: Connection, asks: Sequence[LeaseAsk], at: float
) -> dict[str, list[Loan]]:
    """What of each limit still counts, the oldest first; what does not is erased."""
    over: list[ColumnElement[bool]] = [
        and_(limit_loans.c.limit_name == _name(ask), limit_loans.c.at <= at - ask.window_s)
        for ask in asks
    ]
    await connection.execute(delete(limit_loans).where(or_(*over)))
    loans: dict[str, list[Loan]] = {_name(ask): [] for ask in asks}
    statement = (
        select(
            limit_loans.c.limit_name, limit_loans.c.at, func.sum(limit_loans.c.amount).label("sum")
        )
        .where(limit_loans.c.limit_name.in_(list(loans)))
        .group_by(limit_loans.c.limit_name, limit_loans.c.at)
        .order_by(limit_loans.c.at)
    )
    for row in await connection.execute(statement):
        loans[row.limit_name].append(Loan(at=row.at, amount=row.sum))
    return loans


async def _lend(
    connection: Connection,
    asks: Sequence[LeaseAsk],
    amounts: Sequence[float],
    holder: str,
    at: float,
) -> None:
    rows: list[dict[str, Any]] = [
        {"limit_name": _name(ask), "holder": holder, "at": at, "amount": amount}
        for ask, amount in zip(asks, amounts, strict=True)
    ]
    await connection.execute(insert(limit_loans), rows)


async def _found(connection: Connection, asks: Sequence[LeaseAsk]) -> tuple[float | None, ...]:
    statement = select(
        limits_found.c.limit_key, limits_found.c.dimension, limits_found.c.amount
    ).where(
        limits_found.c.limit_key.in_({_text(ask.key) for ask in asks}), limits_found.c.until > now()
    )
    found: dict[tuple[str, str], float] = {
        (row.limit_key, row.dimension): row.amount for row in await connection.execute(statement)
    }
    return tuple(found.get((_text(ask.key), ask.dimension.value)) for ask in asks)


async def _take_back(connection: Connection, back: LeaseReturn, holder: str) -> None:
    statement = (
        select(limit_loans.c.loan_id, limit_loans.c.at, limit_loans.c.amount)
        .where(limit_loans.c.limit_name == _name(back), limit_loans.c.holder == holder)
        .order_by(limit_loans.c.at, limit_loans.c.loan_id)
    )
    rows = (await connection.execute(statement)).all()
    left = taken_back([Loan(at=row.at, amount=row.amount) for row in rows], back.amount)
    for row, amount in zip(rows, left, strict=True):
        if amount != row.amount:
            of_row = limit_loans.c.loan_id == row.loan_id
            await connection.execute(update(limit_loans).where(of_row).values(amount=amount))


def _text(key: LimitKey) -> str:
    return _BETWEEN.join((key.provider, key.account, key.model))


def _name(of: LeaseAsk | LeaseReturn) -> str:
    return _BETWEEN.join((_text(of.key), of.dimension.value, f"{of.window_s:g}"))
