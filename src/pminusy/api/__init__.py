"""Everything the command line can do, in one call from Python."""
