"""The settings that determine, together with the commands, what the books contain."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from typing import Any

import numpy as np

from ..core.engine import Engine
from ..core.instrument import Instrument
from ..errors import PricetimeError
from ..owner_limits import OwnerLimits
from ..profiles import Venue
from ..types import BookRecords
from .errors import JournalError

#: The rules of an instrument of a journal that does not store any.
DEFAULT_VENUE = Venue()

#: How often all icebergs together may still be refreshed, if the settings do not say it.
DEFAULT_REFRESHES = 1 << 20


def _values(instrument: Instrument) -> dict[str, Any]:
    """The fields of an instrument. A price unit of 1 and the default venue are left out.

    A price unit is text, because JSON has no decimals. A venue is stored with all its settings, so that a journal does
    not depend on the profile that they are from.
    """
    values = {field.name: getattr(instrument, field.name) for field in fields(Instrument) if field.compare}
    unit, venue = values.pop("price_unit"), values.pop("venue")
    if unit != 1:
        values["price_unit"] = str(unit)
    if venue != DEFAULT_VENUE:
        values["venue"] = venue.settings()
    return values


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings of an engine."""

    instruments: tuple[Instrument, ...]
    capacity: int  #: orders that may rest, over all books
    level_capacity: int  #: price levels
    owner_limit: int  #: owners below it have mass cancel
    limits: dict[int, OwnerLimits] = field(default_factory=dict)  #: by owner; 0 for all others
    refresh_limit: int = DEFAULT_REFRESHES  #: refreshes of icebergs that may be left

    def to_json(self) -> bytes:
        """Return the canonical JSON: sorted names, no spaces, instruments by id, UTF-8."""
        instruments = sorted(self.instruments, key=lambda instrument: instrument.id)
        values = {
            "capacity": self.capacity,
            "instruments": [_values(instrument) for instrument in instruments],
            "level_capacity": self.level_capacity,
            "limits": {str(owner): asdict(limits) for owner, limits in self.limits.items()},
            "owner_limit": self.owner_limit,
            "refresh_limit": self.refresh_limit,
        }
        if not self.limits:
            del values["limits"]
        if self.refresh_limit == DEFAULT_REFRESHES:
            del values["refresh_limit"]
        return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def make_engine(self) -> Engine:
        """Return an engine with empty books."""
        return Engine(
            self.instruments,
            capacity=self.capacity,
            level_capacity=self.level_capacity,
            owner_limit=self.owner_limit,
            limits=self.limits,
            refresh_limit=self.refresh_limit,
        )

    def restore(self, records: BookRecords, seq_num: int, next_reference: int) -> Engine:
        """Return an engine with the state that these records describe: see ``Engine.restore``. O(orders log orders)."""
        engine = self.make_engine()
        engine.restore(records, seq_num, next_reference)
        return engine

    def take_over(self, engine: Engine) -> Engine:
        """Return an engine with the resting orders of a different engine, which is not changed. O(orders).

        Instruments without orders may be missing in this configuration. Raises OrdersFull, LevelsFull, SnapshotMismatch
        and MemoryError.
        """
        records = engine.dump()
        known = [instrument.id for instrument in self.instruments]
        states = records.instruments[np.isin(records.instruments["instrument"], known)]
        return self.restore(records._replace(instruments=states), engine.seq_num, engine.next_reference)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the JSON."""
        return hashlib.sha256(self.to_json()).digest()

    @classmethod
    @lru_cache(4)  # all segments of a journal usually have the same, and a start reads each several times
    def from_json(cls, data: bytes) -> Configuration:
        """Read the JSON. Raises JournalError if it is invalid."""
        try:
            values: dict[str, Any] = json.loads(data)
            values["instruments"] = tuple(Instrument(**instrument) for instrument in values["instruments"])
            limits = values.get("limits", {}).items()
            values["limits"] = {int(owner): OwnerLimits(**given) for owner, given in limits}
            return cls(**values)
        except (ValueError, TypeError, KeyError, AttributeError, PricetimeError) as error:
            raise JournalError(f"the configuration of a journal is invalid: {error}") from error
