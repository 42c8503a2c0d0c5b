import solution

solution.HELD = ("available",)
solution.GONE = (*solution.GONE, "reserved", "non_operational")
translate = solution.translate
