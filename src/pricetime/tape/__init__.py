"""Market data in files: readers, their replay through a book, and synthetic order flow."""
