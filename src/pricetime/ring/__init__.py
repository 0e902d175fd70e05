"""Records from one thread, or process, to another: a ring of slots without a lock. Of the compiled form alone."""

from __future__ import annotations

from .._form import need_compiled

need_compiled("pricetime.ring")

from .idle import Idle  # noqa: E402 - the form is asked for first
from .ring import Ring  # noqa: E402

__all__ = ["Idle", "Ring"]
