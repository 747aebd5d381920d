"""The specification: every formula of the softmax cross-entropy head, once, in NumPy alone.

Read in this order: `twofold` (the arithmetic), `options` (targets become target mass), `linear`,
`transform`, `softmax`, `cross_entropy` (the long way), `head` (the short way), `trace` (one run as
a record). Arrays are (N, K), float32 or float64, and already validated, and NumPy's warnings about
∞ and NaN, which are values here, are muted: both are the work of `ops`.
"""
