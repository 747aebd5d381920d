"""Dual coordinate ascent over sparse rows.

Read `specification` (NumPy), its twin `compiled` (Numba), then `caller`, which runs epochs.
"""
