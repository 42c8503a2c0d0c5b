def plan(try_out, budget):
    chosen = [0] * 24
    cold = try_out(chosen).cold
    worst = sorted(range(24), key=cold.__getitem__)
    while True:
        chosen[worst.pop()] = 1
        if try_out(chosen).cost > budget * 0.5:
            return chosen
