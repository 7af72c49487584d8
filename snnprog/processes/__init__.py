"""Python processes that the package starts: isolated ones, and a pool of them to work in."""
