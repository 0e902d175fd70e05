"""Designs that were tried and left behind, kept so that what they cost can be measured again.

Both hold orders and match exactly as ``arena.py`` says; each adds one way to find a price level.
They are compiled on demand by ``benchmarks.build`` and have no uncompiled form.
"""
