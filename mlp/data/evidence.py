"""From how many rows something is concluded that is true of all of them."""

FEWEST_ROWS = 20
"""Rows of a table, or images, below which nothing is concluded: a few may look odd by accident."""
