"""The reliability drill: two instances under a steady load, one fault after the other, and what it did to people.

`rehearsal` tells the story; `stage` starts and stops everything, `parts` are the processes, `people` ask, `faults` go
wrong, `evidence` is read from logs and from the stand-in, `figures` is the arithmetic, `report` what is printed.
"""
