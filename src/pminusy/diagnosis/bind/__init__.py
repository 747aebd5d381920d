"""Which of a submission's functions is which exercise, and which quantity each argument is.

Read `signatures` (what names propose), `layouts` (how an array may lie), `results` (which quantity
a result is), `subject` (a function in our quantities), `binding` (every way that runs).
"""
