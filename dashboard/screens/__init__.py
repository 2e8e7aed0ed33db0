"""The pages, one script each; dashboard/app.py runs them behind the access gate."""
