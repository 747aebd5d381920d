"""What kernels run on: compilation and its cache, threads, memory.

Read `compilation` and `cache` (the only files that know how Numba keeps and reports compilation),
`processor`, `fork`, `threads`, `blas`, `memory` and `layout`; none knows a formula.
"""
