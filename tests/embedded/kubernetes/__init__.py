"""Claims about the embedded world, judged over real sockets."""
