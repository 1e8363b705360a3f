"""A search for the recipe and network that validate best: what is tried, how, and its folder."""
