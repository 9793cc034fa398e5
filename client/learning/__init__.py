"""Training and inference at one hospital, on torch and without Flower."""
