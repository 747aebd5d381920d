"""Networks of torch, to be explained: read into arrays, and their gradients by autograd.

`modules` reads a Sequential and copies it in float64; `words` makes torch's operations of layers in
words; `autograd` runs either, and `loss` is the head there with every option.
"""
