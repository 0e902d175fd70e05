"""An exchange core: a limit order book with price-time priority, compiled from Python.

``OrderBook`` is one book, ``Engine`` many behind one ``apply``. ``COMPILED`` says which form runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._form import choose

COMPILED: bool = choose()

from .auctions import AuctionPrice
from .core.engine import Engine
from .core.instrument import Instrument
from .core.order_book import OrderBook
from .depth import Depth
from .errors import PricetimeError
from .execution import Execution, Trade
from .owner_limits import OwnerLimits
from .profiles import Venue
from .types import (
    ALL_INSTRUMENTS,
    COMMAND,
    DEPTH,
    REPORT,
    CommandType,
    Instruction,
    Order,
    OrderType,
    Phase,
    PriceKind,
    QueuePosition,
    Reason,
    ReplacePolicy,
    ReportKind,
    SelfTrade,
    Side,
    TimeInForce,
)

if TYPE_CHECKING:
    __version__: str  #: the version that is installed
else:

    def __getattr__(name: str) -> str:
        """``__version__``, which is read from the package's metadata when it is asked for: that takes 25 ms."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import version

        return version(__name__)


BID, ASK = Side
LIMIT, MARKET = OrderType.LIMIT, OrderType.MARKET
GTC, IOC, FOK = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK

__all__ = [
    "ALL_INSTRUMENTS",
    "ASK",
    "BID",
    "COMMAND",
    "COMPILED",
    "DEPTH",
    "FOK",
    "GTC",
    "IOC",
    "LIMIT",
    "MARKET",
    "REPORT",
    "AuctionPrice",
    "CommandType",
    "Depth",
    "Engine",
    "Execution",
    "Instruction",
    "Instrument",
    "Order",
    "OrderBook",
    "OrderType",
    "OwnerLimits",
    "Phase",
    "PriceKind",
    "PricetimeError",
    "QueuePosition",
    "Reason",
    "ReplacePolicy",
    "ReportKind",
    "SelfTrade",
    "Side",
    "TimeInForce",
    "Trade",
    "Venue",
    "__version__",
]
