"""What `SoftmaxNetwork` is made of.

Read `shape` (its layers, checked), `rows` (what it is trained on), `weights` (parameters as
attributes and as one vector), `fitting` (from the ones to the others), `messages` (what a fit says
about its end).
"""
