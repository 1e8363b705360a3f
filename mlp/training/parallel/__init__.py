"""The same updates, only faster: captured steps, parts that fit a cache, and several cores."""
