"""The files that a data set may be kept in, a module each."""
