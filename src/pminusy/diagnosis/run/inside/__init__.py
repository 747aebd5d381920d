"""What runs beside a submission: NumPy and the standard library, and none of the right answers.

This folder is mounted alone into the sandbox and imports nothing from the rest of the package (so
its own imports are relative). It reads a submission, executes its definitions, runs small programs
of calls on it and sends arrays back as data. What is right is known elsewhere.
"""
