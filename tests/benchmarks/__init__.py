"""What this client costs, next to the least it could cost and to other clients."""
