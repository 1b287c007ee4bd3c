"""Drivers under AWS Step Functions: handlers that do what phases do, and the definitions that call them."""
