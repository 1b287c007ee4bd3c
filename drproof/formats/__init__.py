"""How the world writes things: bytes to values and back, nothing else; no file or socket is opened here."""
