"""Claims about the report room: page, derived files and terminal lines, made from bundles built here."""
