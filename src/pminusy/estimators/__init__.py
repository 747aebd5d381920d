"""Estimators with scikit-learn's interface, and what is done with a fitted model.

Read `linear_classifier` (what they share) and `softmax_regression`; `softmax_regression_cv` with
`cross_validation`; then `inference`, `calibration`, `scores`, `outcome` and `model_file`.
`parameters` checks what users pass; `namespaces` and `callbacks` serve scikit-learn's tensors and
tasks.
"""
