"""One process for each library: the same training, written the way that library wants it."""
