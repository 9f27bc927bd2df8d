"""Benchmarks (`make bench`), the reliability drill (`make drill`) and the soak test (`make soak`)."""
