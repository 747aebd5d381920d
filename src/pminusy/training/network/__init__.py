"""Networks of linear layers before the head, trained by mini-batches or L-BFGS.

Read `layout` (parameters in one vector, work cut into tasks), `specification` (what a step does,
in NumPy) and its twin `compiled`, `caller` (either over threads), then `stochastic` and
`quasi_newton`, which call it epoch after epoch.
"""
