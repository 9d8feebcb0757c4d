"""What is known of a program's leaks, in a file beside its source; and a run judged by what is new or grew."""
