"""The public benchmark of matching engines: our adapter for its harness, and a command that runs it."""
