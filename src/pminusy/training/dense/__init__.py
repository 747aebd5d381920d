"""Small and middle dense problems as one matrix: by NumPy and LAPACK, on one thread.

Read `classes` (from logits to loss and residual), `objective` (rows, and f over them), `models`
(of the Hessian), `newton`, `row_space` (more features than rows), then `fit`.
`compiled` does it in one call for small ones, `kernel` makes that call.
"""
