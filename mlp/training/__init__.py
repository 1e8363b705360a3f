"""From a recipe to a trained network: the loop, the epoch, the step."""
