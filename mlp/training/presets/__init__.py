"""The published recipes, and whether this project reproduces their figures."""
