"""Chapter 08: what a row forgets, and what it costs to keep everything."""
