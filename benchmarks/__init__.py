"""Problems × implementations, timed side by side."""
