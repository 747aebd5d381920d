"""Lines proved one by one as they are asked for.

`step` proves a line, `chapters` holds lines with what their letters mean, `derivation` is what the
caller gets.
"""
