from movingparts.scenes.ch01.last_bike import look_then_take


def rides(node):
    return look_then_take(node)
