from movingparts.scenes.ch01.split import monolith as rides  # noqa: F401  # the answer
