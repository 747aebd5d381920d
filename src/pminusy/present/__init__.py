"""What every page and every terminal output shares, whichever part of the package writes it.

`sanitise` makes text from outside harmless; `numbers` writes numbers; `axes` places marks on an
axis; `metrics` judges predictions; `style` is the look of the pages. None of them knows what is
shown.
"""
