from dataclasses import replace

from solution import SERVICES
from solution import door as right


async def door(request, call):
    for prefix in SERVICES[request.client]:
        if request.path.startswith(prefix):
            rest = request.path.removeprefix(prefix)
            slash = "" if rest.startswith(("/", "?")) or not rest else "/"
            request = replace(request, path=prefix + slash + rest)
    return await right(request, call)
