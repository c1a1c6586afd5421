"""`jitad.nn`: functions of neural networks, and initializers of their parameters."""
