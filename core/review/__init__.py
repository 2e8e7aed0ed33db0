"""Review of deletions: permissions, cases, decisions, and the execution of what was decided."""
