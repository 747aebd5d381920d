"""Which labels are likely wrong, from probabilities of rows that no model was trained on."""
