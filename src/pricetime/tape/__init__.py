"""Market data in files: readers, replay through a book, a book without matching, and synthetic order flow.

``read`` gives the events of a tape as a frame of polars, pandas or PyArrow.
"""

from __future__ import annotations

from ..core.passive_book import PassiveBook
from .events import read

__all__ = ["PassiveBook", "read"]
