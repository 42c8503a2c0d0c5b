"""The service of billing: it authorizes payments, and charges when a ride is over."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from movingparts.city.billing import acl, contract
from movingparts.city.billing.model import (
    STANDARD,
    Account,
    AccountId,
    Declined,
    Money,
    Pass,
    Payment,
    RideId,
    RideOver,
    Tariff,
    authorize,
    charge,
    void,
)
from movingparts.core import Node
from movingparts.published_language import Publisher, announcing, on_the_bus
from movingparts.repository import NotFound
from movingparts.service import problem, refuses, service
from movingparts.unit_of_work import Store, UnitOfWork, execute

_PROBLEM: dict[int | str, dict[str, Any]] = {402: {"description": "declined"}}


class Payer(BaseModel):
    """Who is to pay."""

    rider_id: str


class Authorization(BaseModel):
    """What is held, and its id."""

    authorization_id: str
    amount: contract.Amount


class Limit(BaseModel):
    """What an account may owe."""

    amount: str = Field(pattern=r"^[0-9]{1,12}\.[0-9]{2}$")


class PaymentView(BaseModel):
    """The payment of a ride; `available` says whether the ride may begin."""

    ride_id: str
    state: str
    fare: contract.Amount | None
    available: bool


class AccountView(BaseModel):
    """What a rider owes, what is held, and how many passes she has."""

    rider_id: str
    owed: contract.Amount
    left: contract.Amount
    passes: int


def billing(
    node: Node, *, store: Store | None = None, tariff: Tariff = STANDARD
) -> FastAPI:
    """Serve the payments of a city."""
    store, publisher = announcing(node, contract.to_message, store)
    handlers = Handlers(node, store, publisher, tariff)
    bus = on_the_bus(node, publisher, acl.READS, handlers.handle)
    app = service(node, title="Billing", lifespan=bus)
    refuses(app, NotFound)
    _authorize(app, handlers)
    _show(app, store)
    return app


class Handlers:
    """Handles the commands and messages of the service."""

    def __init__(
        self, node: Node, store: Store, publisher: Publisher, tariff: Tariff
    ) -> None:
        self._node, self._store, self._tariff = node, store, tariff
        self.publisher = publisher

    async def authorize(self, ride_id: RideId, account_id: AccountId) -> Payment:
        """Hold what a ride may cost, or note that it was declined."""

        async def act(work: UnitOfWork) -> Payment:
            payment = await _payment(work, ride_id)
            account = await _account(work, account_id)
            try:
                authorize(payment, account)
            except Declined as declined:
                payment.decline(account_id, str(declined))
            return payment

        return await execute(self._store, act, publish=self.publisher)

    async def limit(self, account_id: AccountId, limit: Money) -> None:
        """Let an account owe so much."""

        async def act(work: UnitOfWork) -> None:
            (await _account(work, account_id)).set_limit(limit)

        await execute(self._store, act, publish=self.publisher)

    async def handle(self, message: RideOver | acl.Cancelled | Pass) -> None:
        """Handle a message of another context."""

        async def act(work: UnitOfWork) -> None:
            match message:
                case RideOver(ride_id=ride_id, account_id=account_id):
                    payment = await _payment(work, ride_id)
                    account = await _account(work, account_id)
                    if payment.account_id != account_id:
                        (await _account(work, payment.account_id)).release(ride_id)
                    now = self._node.clock.now()
                    charge(payment, account, message, self._tariff, now)
                case acl.Cancelled(ride_id=ride_id):
                    payment = await _payment(work, ride_id)
                    void(payment, await _account(work, payment.account_id))
                case Pass(rider_id=account_id):
                    (await _account(work, account_id)).note(message)

        await execute(self._store, act, publish=self.publisher)


async def _account(work: UnitOfWork, account_id: AccountId) -> Account:
    accounts = work.of(Account)
    return await accounts.find(account_id) or accounts.add(Account(account_id))


async def _payment(work: UnitOfWork, ride_id: RideId) -> Payment:
    payments = work.of(Payment)
    return await payments.find(ride_id) or payments.add(Payment(ride_id))


def _authorize(app: FastAPI, handlers: Handlers) -> None:
    @app.put(
        "/authorizations/{ride_id}", responses=_PROBLEM, response_model=Authorization
    )
    async def ask(ride_id: str, payer: Payer) -> Any:
        payment = await handlers.authorize(RideId(ride_id), AccountId(payer.rider_id))
        if (payment.state, payment.account_id) != ("authorized", payer.rider_id):
            return _declined(ride_id)
        held = payment.held or Money.zero()
        return Authorization(
            authorization_id=f"authorization/{ride_id}", amount=contract.Amount.of(held)
        )

    @app.put("/accounts/{rider_id}/limit", status_code=204)
    async def limit(rider_id: str, limit: Limit) -> None:
        await handlers.limit(AccountId(rider_id), Money(Decimal(limit.amount)))


def _declined(ride_id: str) -> JSONResponse:
    return problem(402, f"the payment for ride {ride_id} was not authorized")


def _show(app: FastAPI, store: Store) -> None:
    @app.get("/authorizations/{ride_id}")
    async def show(ride_id: str) -> PaymentView:
        payment = await store.begin().of(Payment).get(ride_id)
        fare = contract.Amount.of(payment.fare) if payment.fare else None
        return PaymentView(
            ride_id=ride_id,
            state=payment.state,
            fare=fare,
            available=payment.state == "authorized",
        )

    @app.get("/accounts/{rider_id}")
    async def show_account(rider_id: str) -> AccountView:
        account = await store.begin().of(Account).get(rider_id)
        return AccountView(
            rider_id=rider_id,
            owed=contract.Amount.of(account.owed),
            left=contract.Amount.of(account.left()),
            passes=len(account.passes),
        )
