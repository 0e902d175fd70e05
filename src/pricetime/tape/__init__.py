"""Market data in files: readers, their replay through a book, a book that mirrors a feed, and synthetic order flow."""

from __future__ import annotations

from ..core.passive_book import PassiveBook

__all__ = ["PassiveBook"]
