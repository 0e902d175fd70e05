"""The load generator, its run files and its reports."""
