"""The recovery cluster through the official client; importing this room loads no client."""
