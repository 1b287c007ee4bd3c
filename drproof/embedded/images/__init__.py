"""What runs in the containers of the embedded world's images: programs of their own, which nothing imports."""
