"""Solvers: one algorithm a file; each minimises an objective given by value and gradient."""
