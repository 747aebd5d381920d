"""Networks as models of tables: `model_file` has their layers in a file, `page` on a page, `row` one row."""
