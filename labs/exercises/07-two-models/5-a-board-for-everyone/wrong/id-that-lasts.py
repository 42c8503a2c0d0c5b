from dataclasses import replace

from solution import publish as right


def publish(view, key):
    patients = [replace(each, visit=0) for each in view.patients]
    return right(replace(view, patients=patients), key)
