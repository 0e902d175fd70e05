"""``Instrument``: the rules of one book."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pricetime.checks import member, whole
from pricetime.errors import InvalidSetting
from pricetime.prices import price_unit
from pricetime.types import Phase, ReplacePolicy, SelfTrade

#: Instrument ids are below this, because they index a table.
MAX_INSTRUMENTS = 1 << 20


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument and the rules of its book. Raises InvalidSetting.

    >>> Instrument(1, "AAPL", lot_size=100).tick_size
    1
    """

    id: int  #: from 0 to 1,048,575
    symbol: str = ""  #: for display; the engine does not use it
    tick_size: int = 1  #: every price is a multiple of it, 1 to 2**63 - 1
    lot_size: int = 1  #: every quantity is a multiple of it, 1 to 2**63 - 1
    self_trade: SelfTrade = SelfTrade.OFF  #: mode of orders without their own
    replace_policy: ReplacePolicy = ReplacePolicy.KEEP_IF_NOT_LARGER  #: whether a replaced order keeps its place
    order_limit: int | None = None  #: most resting orders; None for the engine's capacity
    low_price: int | None = None  #: ticks: orders below it are rejected; None for no limit
    high_price: int | None = None  #: ticks: orders above it are rejected; None for no limit
    phase: Phase = Phase.CONTINUOUS  #: the initial phase; commands change it
    #: the value of one tick in currency, such as 0.25: used to display prices; the engine does not use it
    price_unit: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        self._keep("id", whole(self.id, 0, MAX_INSTRUMENTS - 1, InvalidSetting, "instrument id"))
        self._keep("tick_size", whole(self.tick_size, 1, 2**63 - 1, InvalidSetting, "tick size"))
        self._keep("lot_size", whole(self.lot_size, 1, 2**63 - 1, InvalidSetting, "lot size"))
        self._keep("self_trade", member(SelfTrade, self.self_trade, InvalidSetting, "self-trade mode"))
        self._keep("replace_policy", member(ReplacePolicy, self.replace_policy, InvalidSetting, "replace policy"))
        if self.order_limit is not None:
            self._keep("order_limit", whole(self.order_limit, 1, 2**31, InvalidSetting, "order limit"))
        for end in ("low_price", "high_price"):
            if getattr(self, end) is not None:
                checked = whole(getattr(self, end), -(2**63), 2**63 - 1, InvalidSetting, end.replace("_", " "))
                self._keep(end, checked)
        if self.low_price is not None and self.high_price is not None and self.low_price > self.high_price:
            raise InvalidSetting(f"low price {self.low_price} is above high price {self.high_price}")
        self._keep("phase", member(Phase, self.phase, InvalidSetting, "phase"))
        object.__setattr__(self, "price_unit", price_unit(self.price_unit))

    def _keep(self, field: str, checked: int) -> None:
        """Store the checked int or enumeration member."""
        object.__setattr__(self, field, checked)
