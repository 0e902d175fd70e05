"""The live page: the market in a browser, with an order form. The control side serves it; needs the extra ``web``."""
