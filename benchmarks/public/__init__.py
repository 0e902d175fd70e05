"""The public benchmark of matching engines: an engine of ours for its harness, and a command that runs it."""
