"""Compiled twins of the functions in `core`, and the place that chooses between them.

Read `dispatch` (which implementation runs a call), `runtime` (compiling, threads, memory), `simd`
(vectors and loops), `head` (the loss from logits), then `linear` (from features and weights).
"""
