"""A multilayer perceptron whose every layer, loss, gradient and update is written by hand."""
