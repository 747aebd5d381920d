"""What the reader asks, checked.

`reading` (one number, name or target), `request` (all that can be asked), `logit_source` (where the
logits come from), `targets` (classes, ignored rows and soft targets).
"""
