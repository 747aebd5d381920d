"""Tables: files and data frames in, design matrix out, and back."""
