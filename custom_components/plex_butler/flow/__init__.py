"""Parts of the config flow of Butler for Plex."""
