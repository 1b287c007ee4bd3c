"""What is done, one file a phase; each says what it observes, and the schema of its receipt follows from that."""
