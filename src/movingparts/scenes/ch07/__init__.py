"""Chapter 07: one model for two jobs, and what a second model costs."""
