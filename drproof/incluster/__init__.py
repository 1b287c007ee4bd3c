"""Programs that run inside the recovery cluster: each is one file, sent there as text, and nothing imports it."""
