"""A market without sockets or a clock: an engine, the traders, and time that passes in steps."""

from typing import Any

import numpy as np

from pricetime.core.engine import Engine
from pricetime.core.instrument import Instrument
from pricetime.market.book_view import BookView
from pricetime.market.options import Options
from pricetime.market.session import STEP_S
from pricetime.market.traders import Trader, Traders
from pricetime.market.working_orders import TRADES
from pricetime.types import REPORT, CommandType, Reason

Records = np.ndarray[Any, np.dtype[np.void]]

#: An id at the engine is the owner, above these bits, and the id that the owner gave.
ID_BITS = 48


class SimulatedMarket:
    """What the traders send goes to the engine at once; each gets its own reports before it acts again."""

    def __init__(self, options: Options, **rules: Any) -> None:
        self.engine = Engine([Instrument(number, **rules) for number in options.instruments], capacity=20_000)
        self._instruments = list(options.instruments)
        self.traders = Traders(options)
        self.sent: list[Records] = []
        self.reports: list[Records] = []
        self._waiting: dict[int, list[Records]] = {trader.owner: [] for trader in self.traders.all}
        self._now_s = 0.0

    @property
    def seconds(self) -> float:
        """Since the market began."""
        return self._now_s

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.step()

    def step(self) -> None:
        books = {number: BookView.of(self.engine.book(number)) for number in self._instruments}
        for trader in self.traders.all:
            for reports in self._waiting[trader.owner]:
                trader.read(reports)
            self._waiting[trader.owner].clear()
        for trader, commands in self.traders.act(self._now_s, books):
            self._send(trader, commands)
        self._now_s += STEP_S

    def _send(self, trader: Trader, commands: Records) -> None:
        self.sent.append(commands.copy())
        orders = commands["type"] != CommandType.ORDER_EXTENSION
        commands["owner"] = np.where(orders, trader.owner, commands["owner"])
        commands["order_id"] |= np.where(orders, trader.owner << ID_BITS, 0).astype(np.uint64)
        commands["length"] = 40
        self.publish(self.engine.apply(commands))

    def publish(self, reports: Records) -> None:
        """Give each owner its reports."""
        self.reports.append(reports)
        for owner in self._waiting:
            self._waiting[owner].append(told(reports, owner))


def told(reports: Records, owner: int) -> Records:
    """The reports of one owner's session, as the exchange would send them."""
    taking = reports[reports["order_id"] >> ID_BITS == owner].copy()
    trades = reports[np.isin(reports["kind"], list(TRADES))]
    making = trades[trades["maker_id"] >> ID_BITS == owner].copy()
    making["order_id"] = making["maker_id"]
    making["reason"] = Reason.AS_MAKER
    found = np.concatenate([taking, making]).astype(REPORT)
    found = found[np.argsort(found["seq_num"], kind="stable")]
    found["order_id"] &= np.uint64((1 << ID_BITS) - 1)
    return found
