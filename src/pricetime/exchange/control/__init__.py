"""Everything of a server that carries no order: logins, retransmission, copies of the log, metrics, the operator."""
