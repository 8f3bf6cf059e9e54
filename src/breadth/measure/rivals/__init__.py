"""The other x-axes: Vendi, RKE, log-det, magnitude, distances and gradient space, on the same items, each with a valid interval."""
