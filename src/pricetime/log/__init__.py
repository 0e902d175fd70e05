"""The log of commands: written before the engine executes them, read for recovery, copies and checks."""
