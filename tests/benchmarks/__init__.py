"""What this integration costs, next to its goals, to the least and to others."""
