"""Models as ONNX files: tables with all that is done to their columns, and estimators."""
