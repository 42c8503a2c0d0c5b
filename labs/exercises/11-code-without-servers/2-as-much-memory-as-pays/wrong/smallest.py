def best_memory(work, terms, limit):
    for mb in sorted(terms.sizes):
        takes = work.computes / min(1.0, mb / terms.full_cpu_mb) + work.waits
        if mb >= work.needs_mb and takes <= limit:
            return mb
    return None
