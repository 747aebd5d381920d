"""Visits to all rows at one set of weights: what a solver needs to know of them.

Read `specification` and `non_negligible` (NumPy), their twins in `compiled` (Numba), then `caller`,
which runs either over the blocks of a source and the threads.
"""
