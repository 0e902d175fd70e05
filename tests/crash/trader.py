"""An owner that trades over the lives of a server, and remembers every report that it ever saw."""

import random
from typing import Any

import numpy as np
import pytest

from pricetime.client.client import Client
from pricetime.client.errors import ConnectionLost, SessionEnded
from pricetime.errors import UnknownOrder
from pricetime.types import COMMAND, REPORT, CommandType, Reason, ReportKind, Side
from tests.end_to_end.own_orders import OwnOrders

Reports = np.ndarray[Any, np.dtype[np.void]]

#: Commands that are sent at once, and that may wait for their answers.
BATCH, MOST_OPEN = 40, 2_000

#: With so many orders in the book it is cancels that are sent.
MANY_ORDERS = 300

#: Seconds in which an answer comes.
PATIENCE_S = 30.0

#: An id that no order has: its cancel is rejected, after all other answers.
NOBODYS = (1 << 48) - 1

#: Prices: so many ticks from the middle, on the own side and beyond.
MID, WIDTH, NEAR = 10_000, 60, 4


class Trader:
    """``stays``: one client for all lives, which comes back by itself and goes on with the next report.

    Else each life has a client of its own, which asks for some reports that were seen before once more: they must be
    the same.
    """

    def __init__(self, owner: int, seed: int, *, stays: bool = False) -> None:
        self.owner, self.stays = owner, stays
        self.orders = OwnOrders()
        self.seen = 0  #: reports
        self.compared = 0  #: of them that came once more
        self.unanswered = 0
        self._rng = random.Random(f"{seed} {owner}")
        self._log = np.zeros(1 << 16, REPORT)  # every report that was seen, by its number less 1
        self._ids: set[int] = set()  # of orders that were accepted
        self._next_id = 1
        self._client: Client | None = None

    # ------------------------------------------------------------------ lives

    def begin(self, host: str, port: int) -> None:
        """The server is up, again."""
        if self._client is None:
            known = self._rng.choice([0, 1, self._rng.randrange(1_000)])
            self._client = Client(
                host, port, owner=self.owner, keep_orders=True, resume_from=max(1, self.seen + 1 - known),
                timeout=PATIENCE_S, retries=100_000 if self.stays else 0,
            )  # fmt: skip
        self._client.wait_until_active(PATIENCE_S)

    def end(self) -> None:
        """The server is gone: take what had come before that."""
        if self._client is None or self.stays:
            return
        self.take_rest()

    def take_rest(self) -> None:
        """What came until the connection ended; then the client is done with."""
        assert self._client is not None
        try:
            while len(reports := self._client.read(PATIENCE_S)):
                self._read(reports)
        except (ConnectionLost, SessionEnded):  # there are no more
            pass
        self._client.close()
        self._client = None

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def settle(self) -> None:
        """Until every command that reached the server is answered, and its reports are read."""
        assert self._client is not None
        with pytest.raises(UnknownOrder):
            self._client.cancel_order(NOBODYS).result(PATIENCE_S)
        self._read(self._client.read())
        self.unanswered = 0

    # ------------------------------------------------------------------ orders

    def trade(self) -> None:
        """A few commands more, unless many wait for an answer. Raises ConnectionLost when the server is gone."""
        assert self._client is not None
        self._read(self._client.read(0.001 if self.unanswered > MOST_OPEN else 0.0))
        if self.unanswered <= MOST_OPEN:
            commands = np.array([self._draw() for _ in range(BATCH)], COMMAND)
            self._client.send(commands)
            self.unanswered += BATCH

    def _draw(self) -> tuple[int, ...]:
        rng, mine = self._rng, self.orders.public_id
        kind, order_id = CommandType.NEW_ORDER, self._next_id
        if mine and rng.random() < (0.9 if len(mine) > MANY_ORDERS else 0.4):
            order_id = rng.choice(list(mine))
            kinds = (CommandType.CANCEL_ORDER, CommandType.REPLACE_ORDER, CommandType.REDUCE_ORDER)
            kind = rng.choices(kinds, (3, 2, 1))[0]
        else:
            self._next_id += 1
        side, quantity = rng.choice((Side.BID, Side.ASK)), rng.randint(1, 20)
        price = MID + rng.randint(-WIDTH, NEAR) * (1 if side == Side.BID else -1)
        if kind == CommandType.CANCEL_ORDER:
            side, quantity = Side.BID, 0
        return 0, 0, 0, 0, 0, 0, kind, side, 0, 0, 1, order_id, price, quantity, 0, 0

    # ------------------------------------------------------------------ what came

    def _read(self, reports: Reports) -> None:
        if not len(reports):
            return
        first = int(reports["seq_num"][0])
        assert np.array_equal(reports["seq_num"], np.arange(first, first + len(reports), dtype=np.uint64))
        again = min(self.seen + 1 - first, len(reports))
        assert again >= 0, f"owner {self.owner}: reports from {self.seen + 1} to {first - 1} are missing"
        if again:
            before = self._log[first - 1 : first - 1 + again]
            assert before.tobytes() == reports[:again].tobytes(), f"owner {self.owner}: reports after {first} changed"
            self.compared += again
        self._keep(reports[again:])

    def _keep(self, reports: Reports) -> None:
        while self.seen + len(reports) > len(self._log):
            self._log = np.concatenate([self._log, np.zeros(len(self._log), REPORT)])
        self._log[self.seen : self.seen + len(reports)] = reports
        self.seen += len(reports)
        accepted = reports["order_id"][reports["kind"] == ReportKind.ACCEPTED].tolist()
        assert len(set(accepted)) == len(accepted), f"owner {self.owner}: an order was accepted twice"
        assert not self._ids.intersection(accepted), f"owner {self.owner}: an order was accepted twice"
        self._ids.update(accepted)
        asked = (reports["kind"] != ReportKind.TRADE) & (reports["reason"] < Reason.IOC_REMAINDER)
        asked |= (reports["kind"] == ReportKind.REPLACED) | (reports["kind"] == ReportKind.ACCEPTED)
        self.unanswered -= int(np.count_nonzero(asked))
        self.orders.read(reports)
