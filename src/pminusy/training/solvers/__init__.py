"""Solvers: one algorithm a file; each minimises an objective given by value and gradient.

Read `solution` (what they take and give back) and `line_search`; smooth objectives: `newton`,
`newton_cg`, `quasi_newton` with `lbfgs_history`, `dual_ascent`; with an L1 penalty: `proximal`,
`sparse_newton`, `lasso`, `coordinate_descent` and its compiled twin; `stochastic`.
"""
