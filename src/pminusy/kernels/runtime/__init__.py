"""What kernels run on: compilation and its cache, threads, memory.

Read `compilation`, `cache`, `threads`, `blas`, `memory` and `layout`; none knows a formula.
"""
