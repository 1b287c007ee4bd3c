"""The control plane that belongs to the restore point."""
