"""Learning: objectives, solvers, estimators and model files."""
