def runner(db, steps):
    async def run(ride):
        data = {"ride": ride}
        for name, do in steps:
            data[name] = await do(f"{ride}/{name}", data)
        return data

    return run
