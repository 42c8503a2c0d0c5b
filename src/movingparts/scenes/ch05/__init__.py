"""Chapter 05: what it breaks, and what its exercises import."""
