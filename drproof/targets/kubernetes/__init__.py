"""The recovery cluster, by the official client or by kubectl on its machine; importing this room loads no client."""
