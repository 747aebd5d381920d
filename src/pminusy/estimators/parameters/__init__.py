"""From what a user passes to what training takes.

Read `constraints` and `checks` (what each parameter may be), `penalties`, then `problem` (targets,
sources and the name of a solver).
"""
