"""Strategic design as data: event storming, the context map, who imports whom."""
