"""The linear form, which `torch.linear` calls.

Read engine.py (NumPy's products and ours, or torch's in tiles.py), then operator.py (as a compiler
takes it) and positions.py (a layer at each position).
"""
