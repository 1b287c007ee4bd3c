"""AWS behind the model's protocols, one adapter a service; SDK errors end here."""
