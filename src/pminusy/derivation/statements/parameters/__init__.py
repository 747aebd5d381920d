"""From the logits to the layer: `gradients` of its parameters, and a `gradient_step`."""
