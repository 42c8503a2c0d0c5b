from movingparts.scenes.ch04.library import Answer, who

SERVICES = {
    "app": {"/books": "catalog", "/loans": "loans"},
    "desk": {"/books": "catalog", "/loans": "loans", "/members": "members"},
}


async def door(request, call):
    reader = who(request.headers.get("authorization", "").removeprefix("Bearer "))
    if reader is None:
        return Answer(401)
    path, mark, query = request.path.partition("?")
    headers = {k: v for k, v in request.headers.items() if k != "authorization"}
    headers["x-reader"] = reader
    for prefix, service in SERVICES[request.client].items():
        if path == prefix or path.startswith(f"{prefix}/"):
            there = path.removeprefix(prefix) or "/"
            return await call(service, there + mark + query, headers)
    return Answer(404)
