"""State of one browser session: login, selections and query parameters."""
