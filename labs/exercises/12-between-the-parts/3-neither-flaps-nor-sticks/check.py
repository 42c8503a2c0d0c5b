"""Checks exercise 12.3: scripts of calls, each with what the breaker must do."""

from types import SimpleNamespace

from movingparts.check import Check, Law
from movingparts.scenes.ch12.payments import Till

# Parts of a script, each with the law that breaks if a call is wrongly let through or
# refused. "fail" and the like are calls that end at once; "+a" is a call that must be
# let through and goes on, "a=paid" its end; "-" is a call that must be refused.
# "*n" is as often as it takes to open the breaker, "*few" is once less.
OPEN = [("opens-too-soon", "fail*n"), ("never-opens", "-")]
SCRIPTS = [
    [
        ("opens-too-soon", "pay fail*few pay fail*few pay"),
        *OPEN,
        ("never-opens", "- almost - -"),
        ("never-tries-again", "rest +p"),
        ("everyone-probes", "- -"),
        ("never-closes", "p=paid pay +a pay fail*few a=paid fail*few pay"),
        *OPEN,
    ],
    [
        *OPEN,
        ("never-tries-again", "wait rest +p"),
        ("everyone-probes", "-"),
        ("flaps", "p=failed - almost -"),
        ("never-tries-again", "rest +q"),
        ("everyone-probes", "almost -"),
        ("flaps", "q=failed - almost -"),
        ("never-tries-again", "rest +r"),
        ("counts-the-card", "r=declined pay fail*few pay"),
    ],
    [("counts-the-card", "decline*n decline fail*few decline fail*few pay")],
    [("counts-canceled", "cancel*n cancel fail*few cancel pay")],
    [("counts-canceled", "fail*few cancel fail -")],
    [
        *OPEN,
        ("never-tries-again", "wait +p"),
        ("everyone-probes", "-"),
        ("sticks-half-open", "p=canceled wait +q"),
        ("everyone-probes", "-"),
        ("sticks-half-open", "q=canceled wait +r"),
        ("never-closes", "r=paid pay"),
    ],
    [
        ("opens-too-soon", "+a +b +c +d +e +f"),
        *OPEN,
        ("old-answers", "a=paid - almost b=failed rest +p"),
        ("old-answers", "c=failed - d=paid - e=canceled -"),
        ("old-answers", "p=paid fail*few f=failed pay"),
    ],
]
SIZES = [(2, 10), (3, 30), (5, 8)]  # failures, and seconds


async def run(world, answer, run):
    script, sizes = PLANS[run.seed]

    def see(**what):
        run.see(SimpleNamespace(**what))

    till = Till(answer, *sizes, see)
    for law, words in script:
        for word in words.split():
            if run.broken is None:
                till.play(law, word)


def law(name):
    return Law(name, lambda s: s.law == name, lambda s: s.right)


NAMES = (
    *("opens-too-soon", "never-opens", "never-tries-again", "everyone-probes"),
    *("flaps", "never-closes", "sticks-half-open", "counts-the-card"),
    *("counts-canceled", "old-answers"),
)
PLANS = [(script, size) for script in SCRIPTS for size in SIZES]
CHECK = Check(run=run, seeds=range(len(PLANS)), laws=tuple(map(law, NAMES)))
