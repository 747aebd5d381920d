"""The lines of the head as formulas with their reasons, in folders that read in order.

`line` is what a line consists of, `sentence` how its words are tied to what holds (`facts` are
those named among rules), `case` the options that change one; then `forward/` (to the loss),
`gradient/` (back to the logits), `parameters/` (the layer), `second_order/`, `rows/` (batches,
ignored rows, masks); `pair`, `floating_point` and `rules` stand alone. `articles/` puts lines in
the order of five articles.
"""
