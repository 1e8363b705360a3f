"""Images, weights, probabilities and training runs, as lines of text or as pictures.

The functions that draw are pure: they take arrays and a `Screen` and return lines, which the
commands print.
"""
