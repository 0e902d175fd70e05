"""What the user chose for a market."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

#: The instruments of a market unless the user names others.
SYMBOLS = ("ACME", "GLOBEX", "INITECH")

#: Prices in currency at which the instruments start, in their order; the list repeats if there are more instruments.
START_PRICES = (Decimal(100), Decimal(42), Decimal(250), Decimal(18))

#: No instrument starts below this many ticks, so that spreads and prices look plausible with any price unit.
LEAST_START_TICKS = 1_000


@dataclass(frozen=True)
class Options:
    """A market: its instruments, its pace and its ports."""

    seed: int = 1  #: equal seeds give equal decisions of the traders in equal markets
    rate: float = 60.0  #: orders a second of the background traders, over all instruments
    symbols: tuple[str, ...] = SYMBOLS  #: instrument 1, 2, ...
    price_unit: Decimal = Decimal("0.01")  #: value of one tick in currency
    http_port: int = 0  #: of the live page; 0: the system chooses a free port
    port: int = 0  #: for orders; 0: the system chooses a free port
    opening_s: float = 8.0  #: for which orders are collected before the opening auction
    seconds: float | None = None  #: after which the market ends; None: it ends when the user stops it

    def start_ticks(self, instrument: int) -> int:
        """The price at which an instrument starts."""
        price = START_PRICES[(instrument - 1) % len(START_PRICES)]
        return max(LEAST_START_TICKS, int(price / self.price_unit))

    @property
    def instruments(self) -> dict[int, str]:
        """The symbol of each instrument, by its id."""
        return dict(enumerate(self.symbols, 1))
