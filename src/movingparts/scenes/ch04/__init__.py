"""Chapter 04: an app that calls six services, and a gateway in front of them."""
