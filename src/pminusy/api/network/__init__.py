"""Networks as models of tables: layers in a file (`model_file`), on a page, and for one row."""
