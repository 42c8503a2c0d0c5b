import httpx


async def charge(node, ride_id, cents):
    while True:
        try:
            found = await node.client.get(f"http://billing/rides/{ride_id}/charges")
            if found.status_code == 200:
                return
            body = {"ride_id": ride_id, "cents": cents}
            await node.client.post("http://billing/charges", json=body)
        except httpx.HTTPError:
            await node.clock.sleep(1)
