"""The model of billing: money, tariffs, payments and accounts."""

from movingparts.city.billing.model.account import (
    Account,
    AccountId,
    Declined,
    Limited,
    Pass,
    PassNoted,
    RideHeld,
    RideReleased,
    RideSettled,
)
from movingparts.city.billing.model.money import Money, MoneyError
from movingparts.city.billing.model.payment import (
    AnomalyFound,
    FareCharged,
    Payment,
    PaymentAuthorized,
    PaymentDeclined,
    PaymentVoided,
    RideId,
    RideOver,
    authorize,
    charge,
    void,
)
from movingparts.city.billing.model.tariff import STANDARD, Tariff

__all__ = [
    "STANDARD",
    "Account",
    "AccountId",
    "AnomalyFound",
    "Declined",
    "FareCharged",
    "Limited",
    "Money",
    "MoneyError",
    "Pass",
    "PassNoted",
    "Payment",
    "PaymentAuthorized",
    "PaymentDeclined",
    "PaymentVoided",
    "RideHeld",
    "RideId",
    "RideOver",
    "RideReleased",
    "RideSettled",
    "Tariff",
    "authorize",
    "charge",
    "void",
]
