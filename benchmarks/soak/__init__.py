"""The soak: ten minutes of everything that people do, at two instances, to see that nothing grows.

`story` tells it from start to end; `visits` is what people do, `samples` what is measured meanwhile, `growth` the
comparison of the first third with the last one and what may differ, `report` what is said. The stage and the faults are
the drill's.
"""
