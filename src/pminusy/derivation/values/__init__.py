"""What a line comes to at the reader's numbers, and the line with those numbers put in.

Read `digits` (a number as text), `chop` (rounding off the remainder where a value is 0),
`result_value`, `expanded_sums`, `substitution`.
"""
