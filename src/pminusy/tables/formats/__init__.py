"""One way of bringing a table a file, all behind `tables.files`.

Read byte_streams.py (bytes to text), csv_text.py (with csv_rows.py for what Polars reads
otherwise), json_lines.py, excel.py, columnar.py (Parquet, Feather), pandas_frames.py; memory.py
asks first whether a file fits.
"""
