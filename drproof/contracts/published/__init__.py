"""The last good run as it is published: whole, as promised, and what every pointer and latest copy speaks of."""
