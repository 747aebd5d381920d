"""Mistakes by the step they break, one file a stage of the computation.

In the order of the computation: `softmax`, `loss`, `gradient`; then `ridge` (the regulariser),
`options` (temperature, label smoothing) and `network`. `exercise.py` says which exercise has which.
"""
