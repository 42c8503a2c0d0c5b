async def call(send, kind, budget, clock, random):
    budget.tokens = min(budget.most, budget.tokens + 0.1)
    tries_left = 2
    while True:
        try:
            return await send()
        except (ConnectionError, TimeoutError) as error:
            done_perhaps = isinstance(error, TimeoutError) and kind == "book"
            if done_perhaps or not tries_left or budget.tokens < 1:
                raise
        budget.tokens -= 1
        tries_left -= 1
        await clock.sleep(random.uniform(0, 1))
