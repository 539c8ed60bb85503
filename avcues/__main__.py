"""`python -m avcues` is the command `avcues`."""

from avcues.pipeline.cli.app import main

if __name__ == "__main__":
    main()
