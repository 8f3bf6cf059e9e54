"""One Fisher rule a layer type: from a layer's input and the gradient at its output to squared weight gradients."""
