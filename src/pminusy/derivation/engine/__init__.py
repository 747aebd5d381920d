"""From a tree to its value, and from two values to a proof.

Read `environment` (what letters stand for), `decimals`, `laurent`, `dual` and `algebra` (the two
kinds of number), `evaluate`, then `proof` with `inequalities` and `rational_signs`, `contraction`
(many classes) and `symbolic` (K left open).
"""
