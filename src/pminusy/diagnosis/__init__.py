"""Whether an implementation is right, and if not, which line of the derivation it breaks.

Read in this order: `recipes` (the exercises as ordered records of named steps), `mistakes` (what
can go wrong with a step, executable), `probes` (inputs that tell), `signatures` (whose argument is
which letter), `inside` (what runs beside the submission), `sandbox` and `session` (how it is
reached), `matching` (which mistakes reproduce the numbers), `examine` (all of it, to a verdict),
`reports`.
"""
