"""The settings of one instrument: its rules, those of its venue, and its timetable."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator
from pydantic_settings import NoDecode

from ...auctions import AUCTION_RULES
from ...core.instrument import MAX_INSTRUMENTS, Instrument
from ...profiles import PROFILES, Breach, StopEntry, StopTrigger, Venue, parted, profile
from ...types import OrderType, Phase, ReplacePolicy, SelfTrade, TimeInForce
from .fields import named, pairs, split_by
from .timetable import Row, Timetable

#: The settings that say when phases begin. The engine does not know them.
SCHEDULE = ("schedule", "time_zone", "interruption_s", "interruption_within_s")


def _known(names: Mapping[str, object], value: str) -> str:
    if value not in names:
        raise ValueError(f"give one of {', '.join(names)}")
    return value


def _row(value: object) -> object:
    return Row.parse(value) if isinstance(value, str) else value


OrderTypes = Annotated[frozenset[Annotated[OrderType, named(OrderType)]], split_by("/"), Field(min_length=1)]
TimesInForce = Annotated[frozenset[Annotated[TimeInForce, named(TimeInForce)]], split_by("/"), Field(min_length=1)]
Rows = Annotated[tuple[Annotated[Row, BeforeValidator(_row), PlainSerializer(str)], ...], split_by("|")]


def rule(name: str, description: str, **limits: Any) -> Any:
    """A setting of ``Venue``, with its default."""
    return Field(default=getattr(Venue, name), description=description, **limits)


class InstrumentConfig(BaseModel):
    """One traded instrument. What a profile says counts for the settings that are not given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: int = Field(description="Number of the instrument in orders and reports", ge=0, lt=MAX_INSTRUMENTS)
    symbol: str = Field(default="", description="Name, at most 16 bytes of UTF-8")
    tick_size: int = Field(
        default=1, description="Every price must be a multiple of this many ticks", ge=1, le=2**63 - 1
    )
    lot_size: int = Field(
        default=1, description="Every quantity must be a multiple of this many lots", ge=1, le=2**63 - 1
    )
    low_price: int | None = Field(
        default=None, description="Lowest price of the day, in ticks; lower orders are rejected", ge=-(2**63),
        le=2**63 - 1,
    )  # fmt: skip
    high_price: int | None = Field(
        default=None, description="Highest price of the day, in ticks; higher orders are rejected", ge=-(2**63),
        le=2**63 - 1,
    )  # fmt: skip
    phase: Annotated[Phase, named(Phase)] = Field(
        default=Phase.CONTINUOUS, description="Phase at the start, without a schedule. SIGHUP rereads it"
    )
    self_trade: Annotated[SelfTrade, named(SelfTrade)] = Field(
        default=SelfTrade.OFF, description="Self-trade prevention for orders that do not name a mode"
    )
    replace_policy: Annotated[ReplacePolicy, named(ReplacePolicy)] = Field(
        default=ReplacePolicy.KEEP_IF_NOT_LARGER, description="When a replaced order keeps its place in the queue"
    )
    order_limit: int | None = Field(default=None, description="Maximum number of open orders", ge=1, le=2**31)
    price_unit: Decimal = Field(
        default=Decimal(1), description="Value of one tick in currency, for display only, such as 0.25", gt=0
    )

    profile: Annotated[str, AfterValidator(partial(_known, PROFILES))] | None = Field(
        default=None, description="Venue whose [settings](venues.md) count unless they are given here"
    )
    order_types: OrderTypes = rule("order_types", "Accepted order types")
    times_in_force: TimesInForce = rule("times_in_force", "Accepted times in force")
    stop_trigger: Annotated[StopTrigger, named(StopTrigger)] = rule("stop_trigger", "What triggers stop orders")
    stop_at_entry: Annotated[StopEntry, named(StopEntry)] = rule(
        "stop_at_entry", "What happens to a new stop order that the last trade has reached"
    )
    iceberg_ratio: int = rule(
        "iceberg_ratio", "Largest quantity of an iceberg, in display quantities; 0: no limit", ge=0, le=2**63 - 1
    )
    iceberg_keeps_place: bool = rule(
        "iceberg_keeps_place", "Whether an iceberg that is replaced to no more lots at the same price keeps its place"
    )
    minimum_display: int = rule(
        "minimum_display", "An iceberg that displays fewer lots is refreshed; 0: when it displays none",
        ge=0, le=2**63 - 1,
    )  # fmt: skip
    auction: Annotated[str, AfterValidator(partial(_known, AUCTION_RULES))] = rule(
        "auction", f"How auctions find their price: {', '.join(f'`{name}`' for name in AUCTION_RULES)}"
    )
    reference_price: int | None = rule(
        "reference_price", "Reference price at the first start; each auction price replaces it",
        ge=-(2**63), le=2**63 - 1,
    )  # fmt: skip
    static_range: int = rule(
        "static_range", "Largest distance of a trade from the reference price, in ticks; 0: no limit",
        ge=0, le=2**63 - 1,
    )  # fmt: skip
    dynamic_range: int = rule(
        "dynamic_range", "Largest distance of a trade from the last one before its order, in ticks; 0: no limit",
        ge=0, le=2**63 - 1,
    )  # fmt: skip
    on_breach: Annotated[Breach, named(Breach)] = rule(
        "on_breach",
        "When an order would trade outside a range: a volatility auction begins, or the rest of the order is cancelled",
    )
    replace_total: bool = rule("replace_total", "Whether the quantity of a replace counts what the order has traded")
    all_or_none: bool = rule("all_or_none", "Whether orders may be all-or-none")

    schedule: Rows = Field(
        default=(),
        description="When which phase begins, see [schedules](../operate/schedules.md); default: only by hand",
    )
    time_zone: str = Field(default="UTC", description="Time zone of the schedule, such as Europe/Berlin")
    interruption_s: int = Field(
        default=120,
        description="Duration of a volatility auction; 0: until the schedule or the operator ends it",
        ge=0,
        le=86_400,
    )  # fmt: skip
    interruption_within_s: int = Field(
        default=30, description="A volatility auction ends at a random time up to this much later", ge=0, le=3600
    )

    @model_validator(mode="after")
    def _take_profile(self) -> InstrumentConfig:
        """Give the settings that are not given the values of the profile."""
        if self.profile is not None:
            known = profile(self.profile)
            self.__dict__.update({name: known[name] for name in known if name not in self.model_fields_set})
        return self

    @model_validator(mode="after")
    def _check(self) -> InstrumentConfig:
        if len(self.symbol.encode()) > 16:
            raise ValueError(f"symbol {self.symbol!r} is longer than 16 bytes")
        self.instrument()  # rejects a low_price above the high_price
        self.timetable()  # rejects rows that contradict each other
        if self.schedule and "phase" in self.model_fields_set:
            raise ValueError("phase: the schedule decides in which phase the instrument begins: remove phase")
        return self

    def instrument(self) -> Instrument:
        """The instrument as the engine takes it."""
        venue, others = parted({name: value for name, value in self if name not in SCHEDULE})
        return Instrument(**others, venue=venue)

    def timetable(self) -> Timetable:
        """When its phases begin."""
        return Timetable(self.schedule, self.time_zone)


Instruments = Annotated[
    tuple[Annotated[InstrumentConfig, BeforeValidator(pairs)], ...], NoDecode, split_by(";"), Field(min_length=1)
]
