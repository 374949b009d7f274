"""What is there to see? One file a view: every SELECT that only shows, and its answer as a frozen value."""
