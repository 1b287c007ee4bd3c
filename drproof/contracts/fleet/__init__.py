"""A fleet: every restore point is found and read; what each must be, the contracts of one say."""
