"""How proof is kept on a local disk: canonical bytes, journal, bundle, schemas."""
