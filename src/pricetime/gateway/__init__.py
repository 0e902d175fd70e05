"""The server: order entry over TCP, market data over UDP multicast, the threads that carry it."""
