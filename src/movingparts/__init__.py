"""Moving Parts: the services, worlds and figures of a runnable book.

Read the folder as a table of contents: one module, one mechanism.
"""

__version__ = "0.1.0"
