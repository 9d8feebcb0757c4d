"""Who owns a file or a library: CODEOWNERS in the dialects of GitHub and GitLab, and the table `owners` of the settings."""
