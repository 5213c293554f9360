"""What the routes call, a file for each group."""
