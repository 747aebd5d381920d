"""Rows that are not in memory, from what users have to a source of training.

Read `blocks` (what may be given), `reading` (the rows of it, checked), then `rows` (what the first
visit learns, and the source made of it).
"""
