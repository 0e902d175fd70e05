"""The rules that differ from venue to venue, as settings, and profiles: the settings of real venues.

>>> profile("cme")["auction"]
'cme'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from .auctions import AUCTION_RULES
from .checks import member, shown, whole
from .errors import InvalidSetting
from .types import OrderType, ReplacePolicy, SelfTrade, TimeInForce


class StopTrigger(IntEnum):
    """What triggers a stop order."""

    LAST_TRADE = 0  #: a trade: at or above the trigger price of a buy stop, at or below that of a sell stop
    BEST_QUOTE = 1  #: the best ask at or above it, the best bid at or below it; an empty side triggers every stop


class StopEntry(IntEnum):
    """What happens to a new stop order that the last trade has reached."""

    TRIGGER = 0
    REJECT = 1


class Breach(IntEnum):
    """What happens when an order would trade outside a price range."""

    INTERRUPT = 0  #: a volatility auction begins
    REJECT_REST = 1  #: the remainder of the order is cancelled


@dataclass(frozen=True)
class Venue:
    """Settings of the venue rules of one instrument. Prices and ranges in ticks, quantities in lots.

    Raises InvalidSetting. Numbers are kept as members of their enumerations, and the accepted order types and times in
    force may be given in any order.

    >>> Venue(auction="cme", on_breach=1).on_breach
    <Breach.REJECT_REST: 1>
    """

    order_types: frozenset[int] = frozenset(OrderType)  #: the accepted ones
    times_in_force: frozenset[int] = frozenset(TimeInForce)  #: the accepted ones
    stop_trigger: StopTrigger = StopTrigger.LAST_TRADE
    stop_at_entry: StopEntry = StopEntry.TRIGGER
    iceberg_ratio: int = 1000  #: the most times that its display quantity an iceberg may have; 0: no limit
    iceberg_keeps_place: bool = True  #: whether a replace to no more lots at the same price keeps the place
    minimum_display: int = 0  #: an iceberg that displays less is refreshed; 0: only when nothing is displayed
    auction: str = "xetra"  #: a row of ``auctions.AUCTION_RULES``
    reference_price: int | None = None  #: at the start; each auction price replaces it
    static_range: int = 0  #: the farthest that a trade may be from the reference price; 0: no limit
    dynamic_range: int = 0  #: the farthest from the last trade before the order; 0: no limit
    on_breach: Breach = Breach.INTERRUPT
    replace_total: bool = False  #: the quantity of a replace counts what has traded (in-flight mitigation)
    all_or_none: bool = False  #: whether orders may be all-or-none

    def __post_init__(self) -> None:
        """Check the settings. Raises InvalidSetting."""
        self._keep_members("order_types", OrderType, "order type")
        self._keep_members("times_in_force", TimeInForce, "time in force")
        for name in ("iceberg_ratio", "minimum_display", "static_range", "dynamic_range"):
            self._keep_whole(name, 0)
        if self.reference_price is not None:
            self._keep_whole("reference_price", -(2**63))
        if not isinstance(self.auction, str) or self.auction not in AUCTION_RULES:
            names = ", ".join(AUCTION_RULES)
            raise InvalidSetting(f"auction {shown(self.auction)} is unknown: give one of {names}")
        for name, enum in (("stop_trigger", StopTrigger), ("stop_at_entry", StopEntry), ("on_breach", Breach)):
            self._keep(name, member(enum, getattr(self, name), InvalidSetting, name.replace("_", " ")))
        for name in ("iceberg_keeps_place", "replace_total", "all_or_none"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidSetting(f"{name} {shown(getattr(self, name))} is neither True nor False")

    def settings(self) -> dict[str, Any]:
        """All settings as plain values, which JSON can store: ``Venue(**settings)`` makes an equal one."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in values.items()}

    def _keep_members(self, name: str, enum: type[IntEnum], what: str) -> None:
        given = getattr(self, name)
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise InvalidSetting(f"{name} {shown(given)} is not a set of {enum.__name__}")
        self._keep(name, frozenset(member(enum, value, InvalidSetting, what) for value in given))

    def _keep_whole(self, name: str, low: int) -> None:
        self._keep(name, whole(getattr(self, name), low, 2**63 - 1, InvalidSetting, name.replace("_", " ")))

    def _keep(self, name: str, checked: object) -> None:
        object.__setattr__(self, name, checked)


class Profile(NamedTuple):
    """The settings of one venue: those of ``Venue``, ``self_trade`` and ``replace_policy``; and where they stand."""

    settings: Mapping[str, Any]
    source: str


LIMIT, MARKET, MTL, STOP, STOP_LIMIT = map(int, OrderType)
GTC, DAY, GTD, IOC, FOK, GFA = map(int, TimeInForce)

#: What ``Venue`` has for a setting that a profile does not name.
PROFILES: Mapping[str, Profile] = MappingProxyType({
    "cme": Profile(
        {
            "order_types": frozenset({LIMIT, MARKET, MTL, STOP, STOP_LIMIT}),
            "times_in_force": frozenset({GTC, DAY, GTD, IOC, FOK}),
            "stop_trigger": StopTrigger.LAST_TRADE,
            "stop_at_entry": StopEntry.REJECT,
            "auction": "cme",
            "on_breach": Breach.INTERRUPT,
            "replace_policy": ReplacePolicy.KEEP_IF_NOT_LARGER,
            "self_trade": SelfTrade.CANCEL_OLDEST,
        },
        "CME Globex Reference Guide: order types and qualifiers, indicative opening price, velocity logic, "
        "self-match prevention; Client Systems Wiki: order functionalities (priority of modified orders, in-flight "
        "mitigation, which is off by default)",
    ),
    "xetra": Profile(
        {
            "order_types": frozenset({LIMIT, MARKET, MTL, STOP, STOP_LIMIT}),
            "times_in_force": frozenset({GTC, DAY, GTD, IOC, FOK, GFA}),
            "stop_trigger": StopTrigger.LAST_TRADE,
            "stop_at_entry": StopEntry.TRIGGER,
            "auction": "xetra",
            "on_breach": Breach.INTERRUPT,
            "replace_policy": ReplacePolicy.KEEP_IF_NOT_LARGER,
            "self_trade": SelfTrade.OFF,
        },
        "T7 market model equities: order types, price determination, volatility interruption, iceberg orders",
    ),
    "euronext": Profile(
        {
            "order_types": frozenset({LIMIT, MARKET, MTL, STOP, STOP_LIMIT}),
            "times_in_force": frozenset({GTC, DAY, GTD, IOC, FOK, GFA}),
            "auction": "euronext",
            "on_breach": Breach.INTERRUPT,
            "replace_policy": ReplacePolicy.KEEP_IF_NOT_LARGER,
            "self_trade": SelfTrade.OFF,
        },
        "Euronext: pure market order, market-to-limit order, trading manual for the Optiq platform",
    ),
    "nasdaq": Profile(
        {
            "order_types": frozenset({LIMIT, MARKET}),
            "times_in_force": frozenset({DAY, GTD, IOC}),
            "auction": "euronext",
            "on_breach": Breach.REJECT_REST,
            "replace_policy": ReplacePolicy.ALWAYS_LOSE,
            "self_trade": SelfTrade.OFF,
        },
        "OUCH 5.0: enter and replace order; Nasdaq opening and closing cross; limit-up limit-down bands",
    ),
    "coinbase": Profile(
        {
            "order_types": frozenset({LIMIT, MARKET, STOP_LIMIT}),
            "times_in_force": frozenset({GTC, GTD, IOC, FOK}),
            "stop_trigger": StopTrigger.LAST_TRADE,
            "on_breach": Breach.REJECT_REST,
            "replace_policy": ReplacePolicy.KEEP_IF_NOT_LARGER,
            "self_trade": SelfTrade.DECREMENT,
        },
        "Coinbase Exchange: matching engine, order types, self-trade prevention (decrement and cancel by default)",
    ),
    "asx": Profile(
        {
            "order_types": frozenset({LIMIT, MTL}),
            "times_in_force": frozenset({GTC, DAY, GTD, IOC, FOK}),
            "auction": "asx",
            "iceberg_keeps_place": True,
            "on_breach": Breach.REJECT_REST,
            "replace_policy": ReplacePolicy.KEEP_IF_NOT_LARGER,
            "self_trade": SelfTrade.OFF,
        },
        "ASX Trade: order types (limit and market-to-limit) and their validity, the four principles of the opening "
        "price, iceberg orders, unintentional crossing prevention",
    ),
    "hkex": Profile(
        {
            "order_types": frozenset({LIMIT, MARKET}),
            "times_in_force": frozenset({DAY, IOC, FOK, GFA}),
            "auction": "hkex",
            "on_breach": Breach.REJECT_REST,
            "replace_policy": ReplacePolicy.KEEP_IF_NOT_LARGER,
            "self_trade": SelfTrade.OFF,
        },
        "HKEX: closing auction session, order types, volatility control mechanism (the order is rejected, and trading "
        "goes on inside a price band)",
    ),
    "bnb": Profile(
        {
            "order_types": frozenset({LIMIT}),
            "times_in_force": frozenset({GTC, IOC}),
            "auction": "bnb",
            "replace_policy": ReplacePolicy.ALWAYS_LOSE,
            "self_trade": SelfTrade.OFF,
        },
        "BNB Beacon Chain: match steps and examples",
    ),
})  # fmt: skip

#: Settings of a profile that are not fields of ``Venue``.
BOOK_SETTINGS = ("self_trade", "replace_policy")


def profile(name: str) -> dict[str, Any]:
    """The settings of a venue. Raises InvalidSetting if there is no profile of this name.

    Settings given explicitly win: ``profile("cme") | {"iceberg_ratio": 60}``.
    """
    if not isinstance(name, str) or name not in PROFILES:
        raise InvalidSetting(f"profile {shown(name)} is unknown: give one of {', '.join(PROFILES)}")
    return dict(PROFILES[name].settings)


def parted(settings: Mapping[str, Any]) -> tuple[Venue, dict[str, Any]]:
    """The settings as a ``Venue``, and the others. Raises InvalidSetting."""
    names = {field.name for field in fields(Venue)}
    return (
        Venue(**{name: value for name, value in settings.items() if name in names}),
        {name: value for name, value in settings.items() if name not in names},
    )


def venue_of(given: Venue | Mapping[str, Any] | None, settings: Mapping[str, Any]) -> Venue:
    """The venue that is given, as a ``Venue`` or as its settings; what these leave open has the value in ``settings``.

    Raises InvalidSetting.
    """
    if isinstance(given, Venue):
        return given
    if given is not None and not isinstance(given, Mapping):
        raise InvalidSetting(f"venue {shown(given)} is neither a Venue nor a mapping of its settings")
    known = {field.name for field in fields(Venue)}
    if unknown := [name for name in given or {} if name not in known]:
        raise InvalidSetting(f"venue setting {shown(unknown[0])} is unknown: give some of {', '.join(sorted(known))}")
    return Venue(**{name: value for name, value in {**settings, **(given or {})}.items() if name in known})
