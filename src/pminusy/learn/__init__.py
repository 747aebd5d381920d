"""Training: sources of data, the objective over them, solvers that see only it, estimators."""
