"""Records from one thread, or process, to another: a ring of slots without a lock. Of the compiled form alone."""

from __future__ import annotations
