"""A network's weights in the forms that other programs read and write."""
