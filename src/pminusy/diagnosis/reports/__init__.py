"""Verdicts for readers and for programs: terminal, HTML, JSON, CSV, Gradescope, JUnit, feedback.

Names, messages and source lines of a submission are untrusted text in every one of them.
"""
