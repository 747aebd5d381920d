"""Models of the Hessian whose inverse is cheap: what solvers precondition with.

Read `curvature` (the models), `non_negligible` (for many classes), then `choice` (which one, at
what cost).
"""
