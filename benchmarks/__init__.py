"""How fast and how flat drproof is, as ratios within one run; each module that declares `run` is one benchmark."""
