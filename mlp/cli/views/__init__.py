"""The views of ``mlp show``: each is a module of this package, and `mlp.cli.show` imports all."""
