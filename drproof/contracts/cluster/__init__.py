"""The recovery cluster: the one that was meant, holding what was backed up, and keeping still."""
