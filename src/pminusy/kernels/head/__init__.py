"""The head from logits: loss, gradient, Hessian products; twins of `core.head`.

Read `reference` (`core` in the interface of kernels), `cpu` with `blocks` and `targets`, then the
compiled functions: `rows`, `labels`, `mass`, `narrow`, `hessian`, `logarithms`.
"""
