"""What chapters measure: how long calls take, and how often writers collide."""
