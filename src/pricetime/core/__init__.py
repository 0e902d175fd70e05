"""Matching without surprises: the book, the engine of many books, and the books that a subscriber rebuilds."""
