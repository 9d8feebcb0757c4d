"""What can be told from the frames of a stack alone: what was allocated, what releases it, and when it is harmless."""
