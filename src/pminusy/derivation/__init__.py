"""The derivation as data: every line a step, and every step proved when it is made.

Read in this order: `tree` (mathematics as data), `world` (what the letters stand for), `domains`
(30-digit numbers, exact algebra), `evaluate` (trees to values), `proof`, `step`, `model` (the
reader's numbers and options), `chapters`, `derivation`, `render`.
"""
