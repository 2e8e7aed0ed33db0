"""Reports of a run and of a request as self-contained HTML, and the texts of checks."""
