"""Training: sources of data, the objective over them, solvers that see only it, the certificate.

Read `sources` (blocks of rows), `passes` (one visit to them), `coordinates` and `objective` (what
is minimised), `preconditioners` and `solvers`, then `methods`, `starts`, `path` and `fitting`,
which choose among them. Estimators are in `pminusy.estimators`.
"""
