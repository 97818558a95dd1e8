"""Many servers with random faults, for minutes: `scripts/soak`."""
