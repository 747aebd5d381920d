"""Real tables as people publish them: `pminusy fit` beside a pipeline of scikit-learn.

Read `sources.py` (which tables), `pipeline.py` (the peer), `compare.py` (ten splits).
"""
