"""Where blocks of (X, targets) come from; an objective never sees a whole data set.

Read `protocol` (what a source is), `arrays` (rows in memory), then `duplicates` (equal rows).
"""
