"""Training and inference at one hospital, with torch and without Flower."""
