"""Custom integrations; the test plugin needs this to be a package."""
