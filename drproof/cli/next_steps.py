"""What to do next where an error has a code and no word of its own for it."""

FETCH = "drproof control-plane fetch into a new folder; what was changed there is not taken"

BY_CODE = {
    "control-plane-agreement": "publish again: pointer and manifest are written together",
    "control-plane-digest": "compare the digest with that of the pointer, current.json, and fetch what that names",
    "control-plane-files": FETCH,
    "control-plane-key": "rename the file: letters, digits, -, _ and . alone, and each key once in a section",
    "control-plane-name": "name a --namespace that Kubernetes takes, or mend cluster.control_plane_name",
    "control-plane-section": "put files into the section's folder, or mend control_plane.sections in drproof.toml",
    "control-plane-size": "make the section's files smaller, or divide it into two sections",
    "inventory-checksum": "aws s3 sync the inventory's folder again",
    "inventory-empty": "take another day's inventory, and look at the bucket's inventory configuration",
    "inventory-manifest": "name the manifest.json of an inventory",
    "inventory-twice": "aws s3 sync the inventory's folder again; if it says the same, take another day's inventory",
    "run-files": "name the folder of a run that has them: not every publisher uploads all three",
}
"""By the code of an error of evidence or format."""
