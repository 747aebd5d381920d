"""Fast twins of the functions in `core`, and the place that chooses between them."""
