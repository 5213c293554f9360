"""Black-box attacks on a running copy, one or more for each point of what must hold against an attacker."""
