from solution import Stand as Right


class Stand(Right):
    def _promises(self, now):
        return dict(self.promised)
