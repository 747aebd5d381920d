"""How well `pminusy check` tells right from wrong, and one mistake from another.

The submissions are generated from templates of this folder (`styles`), with mistakes that are
edits of their source (`slips`) or random (`mutants`). What is right is settled by `oracle`, which
shares no code with the package.
"""
