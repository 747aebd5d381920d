"""What the letters of the head stand for: any numbers in exact algebra, and the reader's own.

One sample: `symbols`, `exact`, `sample`, `setup`, `row`; a batch: `batch`; classes at −∞: `masks`;
one letter alone: `small` and `limits`.
"""
