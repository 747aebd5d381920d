"""The layers before the head: described, run, and derived one by one.

`form` (kind of layer), `description` (the language of --network), `statements` and `lines` (its
mathematics), `run` (its numbers), `symbols`, `exact`, `head` and `context` (what the letters stand
for).
"""
