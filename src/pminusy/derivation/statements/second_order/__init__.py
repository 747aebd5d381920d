"""How the gradient changes: `hessian`, `curvature` and `of_layer`, put together in `chapter`."""
