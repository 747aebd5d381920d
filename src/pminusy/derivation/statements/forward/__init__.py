"""From the input to the loss.

`linear_layer`, `softmax` and `loss`, put together in `chapter`; then `total_error` (output by
output) and `zero_times_logarithm`.
"""
