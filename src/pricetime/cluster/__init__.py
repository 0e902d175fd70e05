"""More than one machine: a replicated log in NATS JetStream, and the nodes that lead and follow."""
