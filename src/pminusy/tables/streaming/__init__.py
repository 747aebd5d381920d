"""Tables that are read block by block, and never whole.

Read `sources` (files to blocks), `choosing` (which rows train), `learned` (a schema from one or two
passes), then `store` (the design matrix, written once and read by slices).
"""
