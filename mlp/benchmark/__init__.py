"""How fast, and how right: epoch times, the machine's limits, one device held to another."""
