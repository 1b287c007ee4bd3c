"""Drivers under AWS Step Functions."""
