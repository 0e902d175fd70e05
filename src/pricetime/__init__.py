"""An exchange core: a limit order book with price-time priority."""
