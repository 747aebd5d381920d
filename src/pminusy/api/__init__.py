"""What crosses rooms: everything the command line can do, in one call from Python."""
