"""The page of a fit: one self-contained HTML file that opens offline and needs no script.

Read in this order: `data` (what a page is made from), `markup` (names and formulas in HTML),
`predictions` (confusion, calibration), `curves` and `path` (the plots), `weights`, `worst_rows` and
`row_numbers` (what the tables show), `page` (all of it through the templates).
"""
