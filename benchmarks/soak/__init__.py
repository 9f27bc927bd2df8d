"""The soak test: ten minutes of mixed load on two instances, to show that no resource grows.

`runner` runs it; `actions` is the load, `samples` the measurement, `growth` the comparison of the thirds and its
tolerances, `report` the output. Environment and faults are the drill's.
"""
