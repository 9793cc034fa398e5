"""`python -m deploy.commands`: the command `pneumofed`, for processes that it starts itself."""

from deploy.commands.root import main

if __name__ == "__main__":
    main()
