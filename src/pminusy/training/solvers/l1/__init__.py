"""Proximal Newton methods, for objectives with an L1 penalty.

Read `sparse_penalty` (the penalty), `proximal` (by products with the Hessian) and `sparse_newton`
(with the Hessian itself), whose steps `lasso` finds by `coordinate_descent` or its compiled twin.
"""
