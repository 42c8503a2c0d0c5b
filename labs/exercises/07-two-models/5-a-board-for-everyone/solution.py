import hmac
from collections import Counter


def publish(view, key):
    def public_id(patient):
        visit = f"{patient.number}/{patient.visit}".encode()
        return hmac.digest(key, visit, "sha256").hex()

    waiting = Counter(patient.room for patient in view.patients)
    rooms = [room for room, at in view.reported.items() if at is not None]
    patients = [{"id": public_id(each), "room": each.room} for each in view.patients]
    return {
        "last_updated": view.as_of.isoformat(),
        "rooms": [{"room": room, "waiting": waiting[room]} for room in rooms],
        "patients": sorted(patients, key=lambda each: each["id"]),
    }
