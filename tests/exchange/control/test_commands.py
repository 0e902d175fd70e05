"""Commands of the control side: their answers, and what happens without one."""

import asyncio
from typing import cast

import pytest

from pricetime.exchange.control import commands as module
from pricetime.exchange.control.commands import MOST_WAITING, Answer, Commands, Refused
from pricetime.exchange.exchange import Exchange
from pricetime.types import Phase, PriceKind, Reason, ReportKind, Side
from tests.exchange.exchange import FakeExchange


def commands_of(exchange: FakeExchange) -> Commands:
    return Commands(cast(Exchange, exchange))


def test_each_command_has_its_answer() -> None:
    exchange = FakeExchange()

    async def work() -> list[Answer]:
        send = commands_of(exchange)
        return list(await asyncio.gather(
            send.set_phase(1, Phase.PRE_OPEN), send.indicate(2), send.uncross(2, Phase.HALTED),
            send.set_price(1, PriceKind.REFERENCE, -3), send.expire(1),
        ))  # fmt: skip

    assert asyncio.run(work()) == [
        Answer(ReportKind.PHASE_CHANGED, Reason.NONE, None, 0, Phase.PRE_OPEN, 0),
        Answer(ReportKind.INDICATIVE, Reason.NONE, Side.BID, 100, 40, 7),
        Answer(ReportKind.UNCROSSED, Reason.NONE, Side.BID, 100, 40, 7),
        Answer(ReportKind.PRICE_SET, Reason.NONE, None, -3, PriceKind.REFERENCE, 0),
        Answer(ReportKind.EXPIRY_DONE, Reason.NONE, None, 0, 3, 0),
    ]


def test_more_commands_than_may_wait_take_their_turn_one_after_the_other() -> None:
    exchange = FakeExchange()
    exchange.full = 10

    async def work() -> int:
        send = commands_of(exchange)
        return len(await asyncio.gather(*(send.set_phase(1, Phase.HALTED) for _ in range(3 * MOST_WAITING))))

    assert asyncio.run(work()) == 3 * MOST_WAITING == len(exchange.told)


def test_expiries_of_one_instrument_follow_each_other() -> None:
    exchange = FakeExchange()
    exchange.stuck = True

    async def work() -> None:
        send = commands_of(exchange)
        tasks = [asyncio.create_task(send.expire(instrument)) for instrument in (1, 1, 2)]
        await asyncio.sleep(0.05)
        assert exchange.told == [("expire", 1), ("expire", 2)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(work())


def test_a_command_without_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COMMAND_TIMEOUT_S", 0.02)
    exchange = FakeExchange()
    exchange.stuck = True

    async def work() -> Answer:
        send = commands_of(exchange)
        with pytest.raises(Refused, match=r"not executed within .* the server may still execute it"):
            await send.indicate(1)
        exchange.answers = [(1, ReportKind.INDICATIVE, 0, 0, 1, 1, 1)]  # too late
        exchange.stuck = False
        monkeypatch.setattr(module, "COMMAND_TIMEOUT_S", 60)
        return await send.indicate(1)

    assert asyncio.run(work()).price == 100
