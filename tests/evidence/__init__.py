"""How proof is kept: journal, canonical bytes, bundle, masking."""
