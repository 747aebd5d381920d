"""Fits and predictions of Dask's collections: the work goes to the partitions, sums come back.

Read `collections` (what may be given), `partition` (what runs where a partition lies), `learned`
(what the first visit learns) with `source` (visits), then `predictions` (lazy ones).
"""
