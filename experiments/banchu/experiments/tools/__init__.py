"""Tools in a run: what was asked for, what each episode gets, and what the ledger keeps of it."""
