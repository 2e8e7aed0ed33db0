"""Helpers without knowledge of recommenders: files, JSON, SQLite, hashes, time and optional imports."""
