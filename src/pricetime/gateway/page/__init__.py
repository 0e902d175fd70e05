"""The live page: the market in a browser, and a sandbox to trade in. Served by the control side; extra ``web``."""
