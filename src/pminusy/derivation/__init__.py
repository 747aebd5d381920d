"""The derivation as data: every line is a tree, and is proved before it is shown.

Read in this order, which is the order of imports: `tree` (formulas as data), `engine` (values and
proofs), `values` (the reader's numbers in a formula), `statements` (the lines of the head),
`input` (what was asked), `steps` (lines that are proved), `head` and `layers` (what the letters of
a line stand for), `render` (pages), `build` (from a request to a derivation).
"""
