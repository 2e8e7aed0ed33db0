"""Runs: queue, workers, launchers, references, verification and ledger entries of one unlearning job each."""
