"""The reliability drill: two instances under a steady load, one fault after the other, and the effect on clients.

`runner` runs the faults in an `environment`; `clients` send questions at the rate of `load`; `faults` are injected;
`observations` come from the logs and the stand-in's ledger; `figures` computes the results, `objectives` judges them
and `report` prints them.
"""
