"""What each quantity is called in a report, by its letter in the formulas."""

from __future__ import annotations

__all__ = ["INPUT_NAMES", "OUTPUT_NAMES"]

INPUT_NAMES = {
    "X": "the inputs", "X0": "the inputs", "W": "the weights", "W1": "the first weights",
    "b": "the bias", "b1": "the first bias", "y": "the labels", "z": "the scores",
    "p": "the probabilities", "r": "the regulariser's strength", "lr": "the learning rate",
    "batch": "the batch size", "T": "the temperature", "eps": "the label smoothing",
    "cw": "the class weights", "sw": "the rows' weights", "ignore": "the label that is ignored",
    "gamma": "the focal exponent", "balance": "the focal factor", "parameters": "the parameters",
    "cache": "the cache of the forward pass",
    "g": "the upstream gradient", "a1": "the hidden layer before ReLU", "h": "the hidden layer",
}  # fmt: skip
OUTPUT_NAMES = {
    "L": "the loss", "L_i": "each row's loss", "dL_dz": "the gradient at the scores",
    "dL_dz_i": "the gradient at the scores", "dL_dp": "the gradient at the probabilities",
    "dL_dp_i": "the gradient at the probabilities", "dL_dW": "the gradient of the weights",
    "dL_db": "the gradient of the bias", "dL_dX": "the gradient of the inputs",
    "dL_dW1": "the gradient of the first weights", "dL_db1": "the gradient of the first bias",
    "p": "the probabilities", "log_p": "the log-probabilities", "R": "the penalty",
    "dR_dW": "the gradient of the penalty", "after_W": "the trained weights",
    "after_W1": "the trained first weights", "out": "the output",
    "out_test": "the output in test mode",
    "dL_dgamma": "the gradient of γ", "dL_dbeta": "the gradient of β",
    "running_mean": "the running mean", "running_var": "the running variance",
}  # fmt: skip
