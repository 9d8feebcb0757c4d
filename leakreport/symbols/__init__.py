"""Addresses become names: from the binaries and debug files that the profiled process had mapped."""
