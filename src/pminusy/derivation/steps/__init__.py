"""Lines proved one by one as they are asked for.

`context` is what the letters of a line stand for, `step` proves a line, `confirm` compares it with
`core`, `chapters` holds lines with their context, `derivation` is what the caller gets.
"""
