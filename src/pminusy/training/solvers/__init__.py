"""Solvers: one algorithm a file; each minimises an objective given by value and gradient.

Read `solution` (what they take and give back) and `line_search`, then `newton`, `newton_cg`,
`quasi_newton` with `lbfgs_history`, `dual_ascent`, `stochastic` (for data in parts); `l1/` has
those for an L1 penalty.
"""
