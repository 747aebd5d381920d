"""Kinds of questions, one a file; `item` is what they share, `choosing` draws a quiz of them."""
