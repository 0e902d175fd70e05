"""The server: order entry over TCP, market data over UDP multicast, and the threads between them."""
