"""`python -m pminusy`: the command line."""

from pminusy.cli import main

main()
