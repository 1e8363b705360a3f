"""A training run's folder: its files, what writes them during the run, and what reads them."""
