"""A trained network: its file, its answers, and how sure they may be."""
