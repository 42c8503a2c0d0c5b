from math import ceil


def ended(ride):
    end = ride["ended"]
    seconds = (end["at"] - ride["began"]["at"]).total_seconds()
    return {
        "rider_id": ride["rider"]["rider_id"],
        "bike_id": ride["bike_id"],
        "station_id": end["station_id"],
        "at": end["at"].isoformat(),
        "minutes": ceil(seconds / 60),
        "meters": sum(each["meters"] for each in ride["track"]),
    }
