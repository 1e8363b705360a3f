"""The same updates, quicker: cut up for captured steps, caches and several cores."""
