"""Benchmarks: ``python -m benchmarks --help`` measures the book, and each other file what its first line says."""
