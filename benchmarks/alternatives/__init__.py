"""Designs that were tried and rejected, kept so that they can be measured again.

Both store orders and match as in ``arena.py``; each adds one way to find a price level.
They are compiled on demand by ``benchmarks.build`` and have no uncompiled form.
"""
