"""Tools of the benchmarks, the drill and the soak."""
