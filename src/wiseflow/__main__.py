"""``python -m wiseflow``: the same as the ``wiseflow`` command."""

from wiseflow.cli.main import main

if __name__ == "__main__":
    main()
