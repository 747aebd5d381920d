"""The exercises as ordered records of named steps, each of which a mistake can replace.

`core` says what is right to the last digit. A recipe is the same computation in the order in which
a learner writes it, one short formula a step, so that an error in one step runs on through the
steps after it exactly as it does in the learner's program. Tests hold the two against each other.
"""
