"""The twin of `specification` in Numba.

Read `steps` (tasks taken by any number of threads), `rows` (some rows forward, through `head`, and
back), `weights` (a gradient and its update); below them `elementwise`, `dropout`, `batch_norm`,
`products` (BLAS called from compiled code) and `atomics`.
"""
