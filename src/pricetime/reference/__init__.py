"""The obvious book: a dict of deques. Slow, short, and the oracle of every test."""

from .book import Order, ReferenceBook

__all__ = ["Order", "ReferenceBook"]
