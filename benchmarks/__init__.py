"""How fast the book is, step by step from the obvious one: ``python -m benchmarks --help``."""
