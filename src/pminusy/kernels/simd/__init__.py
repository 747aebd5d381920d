"""What kernels are made of.

Read `vectors` (LLVM vectors with Python's operators), `lanes` (single operations), `elementary`
(exp and log1p), then `loops` (the inner loops over a stretch of a row).
"""
