"""The reference book: a dict of deques. Slow and short, and the oracle of every test."""

from .book import ReferenceBook
from .records import Order

__all__ = ["Order", "ReferenceBook"]
