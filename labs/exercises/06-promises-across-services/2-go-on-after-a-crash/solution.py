import json

TABLE = "CREATE TABLE IF NOT EXISTS progress (ride TEXT PRIMARY KEY, data TEXT)"
LOAD = "SELECT data FROM progress WHERE ride = ?"
SAVE = "INSERT OR REPLACE INTO progress VALUES (?, ?)"


def runner(db, steps):
    db.execute(TABLE)

    async def run(ride):
        row = db.execute(LOAD, (ride,)).fetchone()
        data = json.loads(row[0]) if row else {"ride": ride}
        for name, do in steps:
            if name not in data:
                data[name] = await do(f"{ride}/{name}", data)
                with db:
                    db.execute(SAVE, (ride, json.dumps(data)))
        return data

    return run
