"""The page of a fit: one self-contained HTML file that opens offline and needs no script.

Read in this order: `data` (what a page is made from), `text` (numbers and text from outside),
`evaluation` (confusion, scores a class, calibration), `curves` (the two plots), `weights`, `argued`
and `derivation` (what the tables show), `page` (all of it through the templates).
"""
