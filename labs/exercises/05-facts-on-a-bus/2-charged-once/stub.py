def handler(db, charge):
    raise NotImplementedError("Exercise 5.2: charge once, however often it comes")
