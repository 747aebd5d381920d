"""The verdict, and reports of it: terminal, HTML, JSON, CSV, Gradescope, JUnit, feedback files.

Read `verdict`, then `lines` (the report as styled lines), then one file a format and `delivery`;
`rubric`, `causes` and `summary` are for a class. Names, messages and lines of a submission are
untrusted in all of them.
"""
