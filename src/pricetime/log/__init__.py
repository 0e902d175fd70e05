"""The journal: writes every command to a file before the engine executes it, and rebuilds the books from the files."""
