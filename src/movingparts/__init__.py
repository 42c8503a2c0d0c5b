"""Moving Parts: the services, worlds and figures of a runnable book.

Read the folder as a table of contents. Each mechanism is printed by its chapter:

    01  One ride, two services    service, measure.latency
    02  Words and borders         strategy, published_language
    03  Rules inside              repository, unit_of_work, measure.contention
    04  The front door            gateway, upstream
    05  Facts on a bus            consumer, strategy.asyncapi
    06  Promises across services  outbox, saga, participant
    07  Two models                projection
    08  The log is the truth      eventstore, event_sourcing
    09  Old events, new code      planned
    10  Whose clock               planned
    11  Code without servers      function
    12  Between the parts         balancer, discovery, retry, breaker, rate_limit,
                                  faults, control_plane, sidecar, route, forwarding,
                                  identity, mutual_tls
    13  Boxes and schedulers      planned
    14  Seeing inside             planned
    15  Testing and shipping      planned
    16  Locks and keys            planned
    17  Game day                  planned

They stand on `core` (nodes, time, the network, recordings), `bus` and `world`.
`city` is what they run, `scenes` is what chapters break, `draw` makes the figures,
and `check` checks exercises.
"""

__version__ = "0.1.0"
