"""Suppressions: rules that take known memory out of a run and count it, as valgrind, LeakSanitizer and heaptrack do."""
