"""What `api.fit_table` is made of.

Read understood.py (the table, before rows are chosen), training_options.py (the estimator asked
for), calibrated.py (temperature), training_run.py (the record of a fit), report.py (its page).
"""
