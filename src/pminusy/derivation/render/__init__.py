"""From steps to pages.

`document` is the one walk along a derivation, and what a writer has to write; `printer` prints
formulas, in `text`, `mathml` and `latex_math`; `terminal`, `html`, `markdown`, `latex` and `json`
are the writers, with `value_text`.
"""
