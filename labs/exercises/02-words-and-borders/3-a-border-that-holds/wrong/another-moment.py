import solution

solution.UNITS[2] = solution.UNITS[1]
translate = solution.translate
