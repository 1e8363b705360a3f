"""Images, weights, probabilities and training runs, as lines of text or as pictures.

What draws is pure: arrays and a `Screen` in, lines out. The commands print the lines.
"""
