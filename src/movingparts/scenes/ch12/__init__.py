"""What chapter 12 breaks and mends: copies of services, and riders who keep coming."""
