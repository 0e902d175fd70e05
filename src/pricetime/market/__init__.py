"""``pricetime market``: an exchange with its live page, and synthetic traders that keep the market moving."""
