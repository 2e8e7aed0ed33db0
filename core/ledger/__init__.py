"""The signed ledger: keys, statements and the chain. It knows nothing of runs."""
