"""What a run means: attribution, ranking, findings, verdict and gate, frozen into a `Report`."""
