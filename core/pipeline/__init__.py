"""Pipeline: the stages of a run, and what prepares and compares the models of a workspace."""
