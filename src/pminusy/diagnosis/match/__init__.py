"""Which mistakes, made together, return the numbers a submission returns.

Read `outputs` (what each mistake returns on the probes), `matching` (the smallest set that agrees),
`fitting` (mistakes with a number in them), `trial` (all of it for one binding), `reference`.
"""
