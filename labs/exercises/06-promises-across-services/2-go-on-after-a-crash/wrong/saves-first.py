from solution import LOAD, SAVE, TABLE, json


def runner(db, steps):
    db.execute(TABLE)

    async def run(ride):
        row = db.execute(LOAD, (ride,)).fetchone()
        data = json.loads(row[0]) if row else {"ride": ride}
        for name, do in steps:
            if name not in data:
                with db:
                    db.execute(SAVE, (ride, json.dumps(data | {name: None})))
                data[name] = await do(f"{ride}/{name}", data)
                with db:
                    db.execute(SAVE, (ride, json.dumps(data)))
        return data

    return run
