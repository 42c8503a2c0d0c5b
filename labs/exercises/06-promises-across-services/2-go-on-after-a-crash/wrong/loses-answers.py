TABLE = "CREATE TABLE IF NOT EXISTS progress (ride TEXT PRIMARY KEY, step INTEGER)"


def runner(db, steps):
    db.execute(TABLE)

    async def run(ride):
        sql = "SELECT step FROM progress WHERE ride = ?"
        (done,) = db.execute(sql, (ride,)).fetchone() or (0,)
        data = {"ride": ride}
        for number, (name, do) in enumerate(steps[done:], done + 1):
            data[name] = await do(f"{ride}/{name}", data)
            with db:
                db.execute("REPLACE INTO progress VALUES (?, ?)", (ride, number))
        return data

    return run
