"""What contracts must prove, refute and leave open, and whether their tests would notice a change in them."""
