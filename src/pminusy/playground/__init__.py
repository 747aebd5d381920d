"""The interactive page: the head in motion beside its proved lines, in one file that loads nothing.

`opening` says what the page starts with, `lines` writes proved lines for it, `page` joins both with
the JavaScript of `static/`: head/ (the numbers), page/ (state, tabs, controls), panels/, learn/.
"""
