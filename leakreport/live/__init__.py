"""Sampling of processes that run. What is read becomes lines that `readers/watch.py` reads; nothing is judged here."""
