"""The operators' command line, for what is no test: going on with a run, looking, listing."""


def main() -> None:
    """Run the command line."""
    from drproof.cli.app import app

    app()
