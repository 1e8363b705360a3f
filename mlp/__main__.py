"""``python -m mlp``, for where the command is not on the path."""

from mlp.cli import main

main()
