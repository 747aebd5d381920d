"""A submission that runs: in which sandbox, and how it is asked.

Read `inside` (what runs beside the submission), then `sandbox` (the process around it), then
`session` (programs of calls go in, arrays come out).
"""
