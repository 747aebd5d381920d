"""The linear layer and the head together, in tiles that never hold all logits.

Read `tiles`, `products` (matrix products on our threads), then `compensated_sums`.
"""
