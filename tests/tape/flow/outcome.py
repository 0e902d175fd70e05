"""What a flow does in a book: ``python -m tests.tape.flow.outcome [COUNT [PRESET ...]]`` prints a row for each."""

import sys
from dataclasses import dataclass, field

import numpy as np

from pricetime import OrderBook
from pricetime.tape.flow import PRESETS, Flow, generate, prelude
from pricetime.tape.flow.base import Commands
from pricetime.tape.flow.stream import find
from pricetime.types import CommandType, Reason, ReportKind

#: Commands of clients, apart from extensions.
ABOUT_ORDERS = (
    CommandType.NEW_ORDER, CommandType.CANCEL_ORDER, CommandType.REPLACE_ORDER, CommandType.REDUCE_ORDER,
)  # fmt: skip

HEADINGS = (
    "preset|adds|cancels|changes|trading|makers each|at most|cancels that hit|rejected|resting|levels|best prices over"
)


@dataclass
class Outcome:
    """Counts over the flow proper, after its prelude, and the state of the book after each array of commands."""

    book: OrderBook
    commands: int = 0
    of_type: dict[CommandType, int] = field(default_factory=lambda: dict.fromkeys(CommandType, 0))
    withdrawn: int = 0  # cancels that found their order
    rejected: int = 0
    trades: int = 0
    takers: int = 0  # commands that traded
    most_makers: int = 0  # of one taker
    traded: list[Commands] = field(default_factory=list)  # ids of makers and takers
    resting: list[int] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)
    touch: list[int] = field(default_factory=list)  # best prices, whichever there are

    def apply(self, commands: Commands) -> None:
        reports = self.book.apply(commands)
        self.commands += int(np.count_nonzero(np.isin(commands["type"], ABOUT_ORDERS)))
        for kind in CommandType:
            self.of_type[kind] += int(np.count_nonzero(commands["type"] == kind))
        kinds, reasons = reports["kind"], reports["reason"]
        self.withdrawn += int(np.count_nonzero((kinds == ReportKind.CANCELLED) & (reasons == Reason.NONE)))
        self.rejected += int(np.count_nonzero((kinds == ReportKind.REJECTED) & (reports["order_id"] != 0)))
        trades = reports[kinds == ReportKind.TRADE]
        _, makers = np.unique(trades["order_id"], return_counts=True)
        self.trades += trades.size
        self.takers += makers.size
        self.most_makers = max(self.most_makers, int(makers.max(initial=0)))
        self.traded += [trades["order_id"], trades["maker_id"]]
        self.resting.append(len(self.book))
        self.levels.append(sum(side.size for side in self.book.depth(levels=2**31 - 1)))
        self.touch += [price for price in (self.book.best_bid, self.book.best_ask) if price is not None]

    def share(self, part: int) -> float:
        return part / self.commands

    @property
    def untouched(self) -> float:
        """Of the new orders, about the share that never traded."""
        return 1 - np.unique(np.concatenate(self.traded)).size / self.of_type[CommandType.NEW_ORDER]


def outcome(flow: str | Flow, count: int, *, seed: int = 1, chunk: int = 10_000) -> Outcome:
    """Run the prelude and so many commands through a book."""
    book = OrderBook(2**21, venue=find(flow).venue)
    for commands in prelude(flow, seed=seed):
        book.apply(commands)
    result = Outcome(book)
    for commands in generate(flow, count, seed=seed, chunk=chunk):
        result.apply(commands)
    return result


def row(name: str, o: Outcome) -> str:
    adds, cancels = o.of_type[CommandType.NEW_ORDER], o.of_type[CommandType.CANCEL_ORDER]
    cells = [
        name,
        f"{o.share(adds):.1%}",
        f"{o.share(cancels):.1%}",
        f"{o.share(o.commands - adds - cancels):.1%}",
        f"{o.share(o.takers):.1%}",
        f"{o.trades / max(o.takers, 1):.2f}",
        f"{o.most_makers:,}",
        f"{o.withdrawn / cancels:.1%}" if cancels else "-",
        f"{o.share(o.rejected):.1%}",
        f"{min(o.resting):,} to {max(o.resting):,}",
        f"{min(o.levels):,} to {max(o.levels):,}",
        f"{max(o.touch) - min(o.touch):,} ticks",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    count = int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_000_000
    print(f"| {HEADINGS.replace('|', ' | ')} |\n|{'---|' * len(HEADINGS.split('|'))}")
    for name in sys.argv[2:] or PRESETS:
        print(row(name, outcome(name, count, chunk=max(10_000, count // 100))), flush=True)
