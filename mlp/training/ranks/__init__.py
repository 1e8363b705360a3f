"""Training on several processes that a launcher starts, on one machine or on many."""
