"""The exercises of chapter 03, *Rules inside*."""

from movingparts.check.ch03.boundary import BOUNDARY, CASES, Case, Decision, measure
from movingparts.check.ch03.dock import (
    AnomalyFound,
    BikeDocked,
    BikeTaken,
    BikeUnlocked,
    Dock,
    Docked,
    DockJammed,
    DockMended,
    Jammed,
    Mended,
    Taken,
    Unlock,
)
from movingparts.check.ch03.refused import Refused
from movingparts.check.ch03.share import SHARE
from movingparts.check.ch03.site import SITE
from movingparts.check.ch03.stand import (
    STAND,
    Data,
    Scattered,
    app_reserves,
    desk_takes_back,
    dock_lets_go,
)
from movingparts.check.ch03.told import TOLD

EXERCISES = (SHARE, STAND, TOLD, BOUNDARY, SITE)

__all__ = ["EXERCISES", "Refused"]
__all__ += ["Data", "Scattered", "app_reserves", "desk_takes_back", "dock_lets_go"]
__all__ += ["Docked", "Jammed", "Mended", "Taken", "Unlock"]
__all__ += ["AnomalyFound", "BikeDocked", "BikeTaken", "BikeUnlocked"]
__all__ += ["Dock", "DockJammed", "DockMended"]
__all__ += ["CASES", "Case", "Decision", "measure"]
