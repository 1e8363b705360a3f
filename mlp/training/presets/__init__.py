"""The published recipes, and whether this project bears their figures out."""
