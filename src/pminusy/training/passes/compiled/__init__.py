"""The passes in Numba.

Read `passes` and `non_negligible`, twins of the files above; `tile` (what is done to logits),
`row_products` and `few_features` (products with X), `tile_vectors` (vectors along a tile).
"""
