"""What a report must not tell: home folders and secrets always, names where `--redact` was given. See `docs/privacy.md`."""
