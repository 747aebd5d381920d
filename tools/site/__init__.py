"""The documentation as a site, built by `make docs`.

Read in this order: `sources` (pages of docs/ as Sphinx reads them), `command_line`, `api`,
`examples` and `samples` (pages that are made), `conf` (Sphinx), `built` (what is checked in the
pages), `__main__` (all of it).
"""
