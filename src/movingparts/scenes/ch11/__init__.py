"""Chapter 11: a service that is paid for at night, and functions that are not."""
