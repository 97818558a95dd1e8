"""The tests of Butler for Plex."""
