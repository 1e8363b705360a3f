"""The files that a network's weights may be kept in, a module each."""
