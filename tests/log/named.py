"""References for the orders of an engine whose first reports were not followed: 1, 2, 3 ... as they come."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricetime import CommandType, Engine
from pricetime.core.references import References


def named(engine: Engine) -> tuple[NDArray[np.void], References]:
    """The commands that make its state anew, each with a reference; and the references."""
    commands: NDArray[Any] = engine.commands()
    orders = commands["type"] == CommandType.NEW_ORDER
    commands["sequence"][orders] = np.arange(1, orders.sum() + 1)
    references = References(max(1, len(commands)))
    references.load(commands, int(orders.sum()) + 1)
    return commands, references
