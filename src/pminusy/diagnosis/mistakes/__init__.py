"""The catalogue: what can go wrong with each step, as executable changes to the record of a run."""
