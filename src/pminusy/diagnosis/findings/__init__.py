"""What is said about a trial: mistakes, faults, fragility, and the smallest input that shows them.

Read `findings` first; `counterexample` looks for the smallest input, `first_wrong_line` asks the
derivation for its line, `stability` tries extreme inputs.
"""
