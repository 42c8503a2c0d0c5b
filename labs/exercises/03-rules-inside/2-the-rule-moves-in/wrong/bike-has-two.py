from solution import Stand as Right


class Stand(Right):
    def _free(self, promised):  # whatever is still here
        return super()._free({})
