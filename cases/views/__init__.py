"""Pages of the cases app, one module a desk."""
