"""The journal: every command in a file before the engine acts on it, and the way back from the files to the books."""
