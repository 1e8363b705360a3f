"""The views of ``mlp show``: a module each, which `mlp.cli.show` finds by its lying here."""
