"""What continues an exchange: snapshots, recovery from the log, and the follower that replays it."""
