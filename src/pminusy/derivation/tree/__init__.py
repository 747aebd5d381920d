"""Mathematics as data: a statement is a tree, and everything else is read from that tree.

One tree is printed in every format, evaluated to 30 digits, proved for K = 2, 3, 4, and mutated by
the tests. SymPy's own expressions reorder and cancel as
they are built, so the line "−y_j / p_j · p_j" could not be written down; these nodes stay as they
are written. `evaluate` gives their values, exact ones among them, where they are proved.

    p = Ref("p");  p[k] * (Delta(i, k) - p[k])          reads as on paper

`index`, `nodes`, `arrays` and `relation` have the kinds; `walk` takes trees apart.
"""

from pminusy.derivation.tree.arrays import Diag, Hadamard, Identity, Ones, Outer, Reshape, Row
from pminusy.derivation.tree.index import Index, Offset, Slot
from pminusy.derivation.tree.nodes import (
    Abs,
    Add,
    Apply,
    ArgMaxIndicator,
    Cases,
    Delta,
    Div,
    Indicator,
    Largest,
    Log,
    MatMul,
    Max,
    Mul,
    Neg,
    Node,
    Number,
    Parens,
    Partial,
    Power,
    Ref,
    Size,
    Sum,
    Transpose,
    Value,
    exp,
    ln,
    node,
)
from pminusy.derivation.tree.relation import Relation
from pminusy.derivation.tree.walk import (
    children,
    every_index,
    free_indices,
    names,
    rebuild,
    walk,
)

__all__ = [
    "Abs",
    "Add",
    "Apply",
    "ArgMaxIndicator",
    "Cases",
    "Delta",
    "Diag",
    "Div",
    "Hadamard",
    "Identity",
    "Index",
    "Indicator",
    "Largest",
    "Log",
    "MatMul",
    "Max",
    "Mul",
    "Neg",
    "Node",
    "Number",
    "Offset",
    "Ones",
    "Outer",
    "Parens",
    "Partial",
    "Power",
    "Ref",
    "Relation",
    "Reshape",
    "Row",
    "Size",
    "Slot",
    "Sum",
    "Transpose",
    "Value",
    "children",
    "every_index",
    "exp",
    "free_indices",
    "ln",
    "names",
    "node",
    "rebuild",
    "walk",
]
