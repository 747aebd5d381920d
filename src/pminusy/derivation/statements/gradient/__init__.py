"""From the loss back to the logits, one way a file.

The long way: `by_probability`, `both_cases` and `jacobian`, `sum_over_paths`; the same with both
cases in one formula: `with_delta`; output by output: `term_by_term`. Shorter: `sparse` (made of
`row_of_class`), `direct`. Then `result`, and `options`.
"""
