"""What the files or the process at hand are good for: which command to run, what a recording lacks, how to record better."""
