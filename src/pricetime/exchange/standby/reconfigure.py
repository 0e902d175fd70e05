"""Applies settings that differ from the configuration in the journal: which changes are allowed, and their effect."""

from __future__ import annotations

from dataclasses import fields, replace

from ...core.instrument import Instrument
from ...errors import LevelsFull, OrdersFull, RefreshesFull
from ...log.configuration import Configuration
from ...profiles import Venue
from ...types import Phase
from ..settings.config import GatewayConfig
from ..settings.errors import CannotStart
from ..state.machine import Machine


def reconfigure(state: Machine, settings: GatewayConfig) -> list[str]:
    """Apply the settings to a recovered state.

    Returns the changes in words. Raises CannotStart if they are not allowed.
    """
    before = state.configuration
    after = _wanted(before, settings)
    changes = list(_changes(before, after))
    if changes:
        _check_instruments(state, after)
        try:
            state.reconfigure(after)
        except RefreshesFull as error:
            raise CannotStart(
                f"refresh_limit: {settings.refresh_limit} is too few for the icebergs of the journal: give more"
            ) from error
        except (OrdersFull, LevelsFull) as error:
            name = "order_capacity" if isinstance(error, OrdersFull) else "level_capacity"
            count = len(state.engine)
            raise CannotStart(
                f"{name}: {getattr(settings, name)} is too few for the {count} resting orders of the journal: give more"
            ) from error
    return changes


def _wanted(before: Configuration, settings: GatewayConfig) -> Configuration:
    """The settings as a configuration that follows ``before``.

    Known instruments keep their phase and new ones begin continuous. The control side then sends a command for each
    phase that the settings change, so that subscribers receive it.
    """
    after = settings.configuration()
    known = {instrument.id: instrument.phase for instrument in before.instruments}
    instruments = (replace(new, phase=known.get(new.id, Phase.CONTINUOUS)) for new in after.instruments)
    return replace(after, instruments=tuple(sorted(instruments, key=lambda instrument: instrument.id)))


def _changes(before: Configuration, after: Configuration) -> list[str]:
    """The differences in words, the most important first."""
    old = {instrument.id: instrument for instrument in before.instruments}
    new = {instrument.id: instrument for instrument in after.instruments}
    found = [f"instrument {number} is new" for number in new if number not in old]
    found += [f"instrument {number} was removed" for number in old if number not in new]
    for number, instrument in old.items():
        if number in new:
            found += _rules_changed(instrument, new[number])
    for name, setting in (
        ("capacity", "order_capacity"),
        ("level_capacity",) * 2,
        ("owner_limit",) * 2,
        ("refresh_limit",) * 2,
    ):
        if getattr(before, name) != getattr(after, name):
            found.append(f"{setting}: {getattr(before, name)} to {getattr(after, name)}")
    for owner in sorted(before.limits.keys() | after.limits.keys()):
        was, wanted = before.limits.get(owner), after.limits.get(owner)
        if was != wanted:
            found.append(
                f"limits of {f'owner {owner}' if owner else 'all owners'}: {was or 'none'} to {wanted or 'none'}"
            )
    return found


def _rules_changed(old: Instrument, new: Instrument) -> list[str]:
    """The rules that differ, those of the venue one by one."""
    pairs: list[tuple[str, Instrument | Venue, Instrument | Venue]]
    pairs = [(field.name, old, new) for field in fields(Instrument) if field.compare and field.name != "venue"]
    pairs += [(field.name, old.venue, new.venue) for field in fields(Venue)]
    return [
        f"instrument {new.id}: {name}: {_shown(before, name)} to {_shown(after, name)}"
        for name, before, after in pairs
        if getattr(before, name) != getattr(after, name)
    ]


def _shown(rules: Instrument | Venue, name: str) -> str:
    value = getattr(rules, name)
    return " ".join(member.name for member in sorted(value)) if isinstance(value, frozenset) else str(value)


def _check_instruments(state: Machine, after: Configuration) -> None:
    """Raise CannotStart if an instrument with resting orders would be removed."""
    kept = {instrument.id for instrument in after.instruments}
    for number in state.engine.instruments:
        if number not in kept and (orders := len(state.engine.book(number))):
            raise CannotStart(
                f"instruments: instrument {number} of the journal has {orders} resting orders, so it cannot be "
                f"removed: keep it, halted, until they are cancelled"
            )
