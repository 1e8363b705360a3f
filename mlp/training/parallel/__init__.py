"""Threads that compute an update together: workers and their barriers, replicas, shards, sums."""
