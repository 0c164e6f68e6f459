"""``python -m evolinstruct``: the command line."""

from evolinstruct.cli import main

main()
