"""Faults times moments: what each fault of a server leads to, wherever it meets us."""
