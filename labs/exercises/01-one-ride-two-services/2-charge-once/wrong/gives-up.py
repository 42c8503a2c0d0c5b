import httpx


async def charge(node, ride_id, cents):
    body = {"ride_id": ride_id, "cents": cents}
    for attempt in range(10):
        try:
            url = f"http://billing/charges/{ride_id}"
            reply = await node.client.put(url, json=body)
            if reply.is_success:
                return
        except httpx.HTTPError:
            if attempt == 9:
                raise
