"""Black-box attacks on a running copy, one or more for each security requirement."""
