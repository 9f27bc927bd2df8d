"""The measurements: each module is one part of `make bench`."""
