"""What must be true, one file a claim (or few of one claim), each with the ways to spoil its evidence."""
