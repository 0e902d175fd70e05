"""A ring of slots without a lock, which passes records between two threads or processes. Compiled form only."""

from __future__ import annotations

from .._form import need_compiled

need_compiled("pricetime.ring")

from .idle import Idle  # noqa: E402 - the form is asked for first
from .ring import Ring  # noqa: E402

__all__ = ["Idle", "Ring"]
