"""``Instrument``: the rules of one book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pricetime.checks import member, whole
from pricetime.errors import InvalidSetting
from pricetime.prices import PriceUnit, price_unit
from pricetime.profiles import Venue, venue_of
from pricetime.profiles import profile as settings_of
from pricetime.types import Phase, ReplacePolicy, SelfTrade

#: Instrument ids are below this, because they index a table.
MAX_INSTRUMENTS = 1 << 20

#: A setting that is not given: it has the value of the profile, or the default.
NOT_GIVEN: Any = None

#: Settings of an instrument that a profile may have.
DEFAULTS = {"self_trade": SelfTrade.OFF, "replace_policy": ReplacePolicy.KEEP_IF_NOT_LARGER}


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument and the rules of its book. Raises InvalidSetting.

    >>> Instrument(1, "AAPL", lot_size=100).tick_size
    1
    >>> Instrument(2, "ESH4", profile="cme", venue={"iceberg_ratio": 20}).self_trade
    <SelfTrade.CANCEL_OLDEST: 3>

    ``venue``: a ``Venue``, or a mapping of some of its settings. ``profile``: the name of a profile of
    ``pricetime.profiles``, such as "cme" or "xetra". It has the settings ``self_trade``, ``replace_policy`` and those
    of the venue; settings that are given win.
    """

    id: int  #: from 0 to 1,048,575
    symbol: str = ""  #: for display; the engine does not use it
    tick_size: int = 1  #: every price is a multiple of it, 1 to 2**63 - 1
    lot_size: int = 1  #: every quantity is a multiple of it, 1 to 2**63 - 1
    self_trade: SelfTrade = NOT_GIVEN  #: mode of orders without their own; OFF by default
    replace_policy: ReplacePolicy = NOT_GIVEN  #: whether a replaced order keeps its place; by default if not larger
    order_limit: int | None = None  #: most resting orders; None for the engine's capacity
    low_price: int | None = None  #: ticks: orders below it are rejected; None for no limit
    high_price: int | None = None  #: ticks: orders above it are rejected; None for no limit
    phase: Phase = Phase.CONTINUOUS  #: the initial phase; commands change it
    venue: Venue = NOT_GIVEN  #: the rules that differ from venue to venue
    #: the value of one tick in currency, such as 0.25: used to display prices; the engine does not use it
    price_unit: Decimal = Decimal(1)
    profile: str | None = field(default=None, compare=False)  #: where settings that were not given are from

    if TYPE_CHECKING:  # the generated one, which also accepts a mapping of settings as the venue

        def __init__(
            self,
            id: int,  # noqa: A002
            symbol: str = "",
            tick_size: int = 1,
            lot_size: int = 1,
            self_trade: SelfTrade | None = None,
            replace_policy: ReplacePolicy | None = None,
            order_limit: int | None = None,
            low_price: int | None = None,
            high_price: int | None = None,
            phase: Phase = Phase.CONTINUOUS,
            venue: Venue | Mapping[str, Any] | None = None,
            price_unit: PriceUnit = 1,
            profile: str | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        self._settle(DEFAULTS | ({} if self.profile is None else settings_of(self.profile)))
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
        self._keep("price_unit", price_unit(self.price_unit))

    def _settle(self, settings: dict[str, Any]) -> None:
        """Give the settings that were not given their values."""
        for name in DEFAULTS:
            if getattr(self, name) is None:
                self._keep(name, settings[name])
        self._keep("venue", venue_of(self.venue, settings))

    def _keep(self, field: str, checked: object) -> None:
        """Store a checked value."""
        object.__setattr__(self, field, checked)
