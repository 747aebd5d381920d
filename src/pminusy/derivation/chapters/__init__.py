"""The chapters of the derivation: each yields its lines for a case, in order."""
