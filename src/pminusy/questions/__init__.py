"""Questions about the derivation: lines to type, to name, to order, and to doubt.

What a reader types: `letters` (what may stand in it), `tokens` and `grammar` (text to
`expression`), `trees` (to the derivation's trees and back). `points` and `judge` say whether it is
right, `slips` what kind of slip it is. `lines` finds the articles' proved lines, `items/` makes
questions of them, `session` asks them in lines of text.
"""
