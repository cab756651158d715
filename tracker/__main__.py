"""`python -m tracker`: the command line, for processes that the daemon starts."""

from tracker.cli import main

main()
