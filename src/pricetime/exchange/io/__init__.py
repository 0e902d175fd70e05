"""What carries bytes: the event loop with its connections, the decoder of orders, and the publisher of the feed."""
