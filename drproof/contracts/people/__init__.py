"""People and decisions: who was told, who was asked, what was decided."""
