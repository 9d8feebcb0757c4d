"""The checkout at hand: its root, its commit, and which of its files a path of a profile means."""
