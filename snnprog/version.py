"""The version of snnprog, in one place for the package, its wheel and every program file it writes."""

__version__ = "0.1.0"
