"""What a column of a table is: how its cells are written, and what they are taken for.

Read `numerals.py` and `dates.py` (cells as text → values), `recognise.py` (which a column holds),
`finding.py` (what is said about it), then `giveaway.py`; `learned.py` is what training learns of a
column, `features.py` makes it numbers, which `rows.py` gathers. `batches.py` takes many at a time.
"""
