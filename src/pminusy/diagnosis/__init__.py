"""Whether an implementation is right, and if not, which line of the derivation it breaks.

Folders, from the ground up: `run` (a submission in its sandbox), `catalogue` (exercises, mistakes),
`bind` (whose argument is which quantity), `match` (which mistakes return the same numbers),
`findings` (what is said about it), `report` (the verdict in every format).
On top: `examine.py` (one function to a verdict), `submission.py` (one file), `folder.py` (a class).
"""
