def ended(ride):
    return {"ride_id": ride["ride_id"], "bike_id": ride["bike_id"]}
