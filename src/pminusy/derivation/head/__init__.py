"""What the letters of the head stand for: any numbers in exact algebra, and the reader's own.

`symbols` (the letters), `exact` (any numbers), `core_run` (what `core` computes); one sample:
`sample`, `setup`, `row`; a batch: `batch`; classes at −∞: `masks`; 0 · ln 0: `limits`.
"""
