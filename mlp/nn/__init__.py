"""The mathematics: layers, losses, gradients and updates, written once against a namespace `xp`."""
