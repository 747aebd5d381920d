"""From a request to a derivation.

`entry` chooses between `assemble` (one sample: `plan` chooses its chapters, `summary` and `tables`
their figures), `batch` and `network`.
"""

from pminusy.derivation.build.entry import derivation_of, derive

__all__ = ["derivation_of", "derive"]
