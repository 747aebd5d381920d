"""Other rows than one that counts: an `ignored` one, `masks` of classes, a `batch` of them."""
