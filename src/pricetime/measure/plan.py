"""A flow of orders as the bytes that its owners send, made before the first is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..tape.flow import PRESETS, Flow, generate, prelude
from ..wire.bulk import Commands, encode_commands

#: In ids of the scheme "session" the owner stands above this bit.
OWNER_SHIFT = 32


class Share(NamedTuple):
    """What one owner sends of a flow."""

    data: memoryview
    offsets: NDArray[np.int64]  #: after so many commands of the whole flow, so many of these bytes are sent


@dataclass(frozen=True)
class Plan:
    """A flow, shared out."""

    count: int  #: commands
    shares: dict[int, Share]  #: by owner

    def rest(self, done: Mapping[int, int]) -> Plan:
        """What is left when so many of each owner's commands, from the first on, are not sent again."""
        left = np.zeros(self.count, bool)
        firsts = {}
        for owner, share in self.shares.items():
            own = np.flatnonzero(np.diff(share.offsets))
            left[own[done[owner] :]] = True
            firsts[owner] = int(share.offsets[own[done[owner]]]) if done[owner] < own.size else len(share.data)
        upto = np.concatenate([[0], np.flatnonzero(left) + 1])
        shares = {
            owner: Share(share.data[firsts[owner] :], np.maximum(share.offsets[upto] - firsts[owner], 0))
            for owner, share in self.shares.items()
        }
        return Plan(int(left.sum()), shares)


def make_plans(
    preset: str | Flow, count: int, owners: int, *, instrument: int = 1, seed: int = 0, chunk: int = 1 << 20
) -> tuple[Plan, Iterator[Plan]]:
    """The plan that fills the book, and those of the flow after it, ``chunk`` commands at most each.

    The flow comes from the owners 1 to ``owners``, each counting its own ids. About 75 bytes a command.
    """
    flow = PRESETS[preset] if isinstance(preset, str) else preset
    flow = replace(flow, owners=owners, ids="session")
    first = share_out(np.concatenate([*prelude(flow, seed=seed)]), owners, instrument)
    return first, (share_out(part, owners, instrument) for part in generate(flow, count, seed=seed, chunk=chunk))


def share_out(commands: Commands, owners: int, instrument: int) -> Plan:
    """To each owner what is its own, in the order of the flow."""
    commands["instrument"] = instrument
    owner_of = (commands["order_id"] >> np.uint64(OWNER_SHIFT)).astype(np.int64)
    shares = {}
    for owner in range(1, owners + 1):
        mine = owner_of == owner
        data, ends = encode_commands(commands[mine])
        offsets = np.concatenate([[0], ends])[np.concatenate([[0], np.cumsum(mine)])]
        shares[owner] = Share(memoryview(data.tobytes()), offsets)
    return Plan(commands.size, shares)
