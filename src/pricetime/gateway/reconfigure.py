"""Settings that are others than those of the journal: what of it may be, and what it changes."""

from __future__ import annotations

from dataclasses import fields, replace

from ..core.instrument import Instrument
from ..errors import LevelsFull, OrdersFull
from ..journal.configuration import Configuration
from ..types import InstrumentState
from .config import GatewayConfig
from .errors import CannotStart
from .state import ExchangeState, configuration_of


def reconfigure(state: ExchangeState, settings: GatewayConfig) -> list[str]:
    """Let a state go on under the settings: what has changed, in words. Raises CannotStart when it cannot."""
    before = state.configuration
    after = _wanted(before, settings)
    changes = list(_changes(before, after))
    if changes:
        _check_instruments(state, after)
        try:
            state.reconfigure(after)
        except (OrdersFull, LevelsFull) as error:
            name = "order_capacity" if isinstance(error, OrdersFull) else "level_capacity"
            rest = f"{len(state.engine)} orders of the journal rest"
            raise CannotStart(f"{name}: {getattr(settings, name)} is too few: {rest}: give more") from error
    return changes


def _wanted(before: Configuration, settings: GatewayConfig) -> Configuration:
    """The settings as a configuration that follows ``before``.

    In which state an instrument begins is history for one that is known, and a new one begins open: what the settings
    say of it is brought about by a command, which everybody hears of.
    """
    after = configuration_of(settings)
    known = {instrument.id: instrument.state for instrument in before.instruments}
    instruments = (replace(new, state=known.get(new.id, InstrumentState.OPEN)) for new in after.instruments)
    return replace(after, instruments=tuple(sorted(instruments, key=lambda instrument: instrument.id)))


def _changes(before: Configuration, after: Configuration) -> list[str]:
    """In words, in the order of their importance."""
    old = {instrument.id: instrument for instrument in before.instruments}
    new = {instrument.id: instrument for instrument in after.instruments}
    found = [f"instrument {number} is new" for number in new if number not in old]
    found += [f"instrument {number} is gone" for number in old if number not in new]
    for number, instrument in old.items():
        if number in new:
            found += _rules_changed(instrument, new[number])
    for name, setting in (("capacity", "order_capacity"), ("level_capacity",) * 2, ("owner_limit",) * 2):
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
    return [
        f"instrument {new.id}: {field.name}: {getattr(old, field.name)!s} to {getattr(new, field.name)!s}"
        for field in fields(Instrument)
        if getattr(old, field.name) != getattr(new, field.name)
    ]


def _check_instruments(state: ExchangeState, after: Configuration) -> None:
    """An instrument that has orders stays. Raises CannotStart."""
    kept = {instrument.id for instrument in after.instruments}
    for number in state.engine.instruments:
        if number not in kept and (orders := len(state.engine.book(number))):
            raise CannotStart(
                f"instruments: number {number} of the journal has {orders} orders and cannot go: keep it, halted, "
                f"until they are cancelled"
            )
