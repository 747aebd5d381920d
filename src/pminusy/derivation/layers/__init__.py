"""The layers before the head: described, run, and derived one by one.

`form` (kind and windows), `description` (the language of --network), `statements`, `texts` and
`lines` (its mathematics), `run` (its numbers), `symbols`, `exact`, `head` and `context` (what the
letters stand for).
"""
