"""The lines of the head as formulas with their reasons, in the order in which they are read.

`line` is what a line consists of, `case` the options that change one; then `forward`, `backward`,
`routes`, `parameters`, `second_order`, `pair`, `floating_point`, `ignored`, `masks`, `batch`.
"""
