"""One leak, one rule or one message in plain words: what, why it matters, how sure, how to fix, when to ignore, how to prove."""
