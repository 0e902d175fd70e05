"""Benchmarks of the book, from a plain Python book to the fast one: ``python -m benchmarks --help``."""
