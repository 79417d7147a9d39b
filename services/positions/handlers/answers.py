"""What a subscriber asks about his own trades. Nothing is looked up without his id, and the store shows no other's."""

from collections.abc import Callable
from dataclasses import replace

from chassis.errors import AskFailedError
from chassis.trace import new_trace
from contracts import asks, catalogue, ids
from contracts.messages import ChartLevels, FeedState, Interval
from services.positions.domain.chart import Picture, last_closed_s, wish
from services.positions.domain.exits import Price
from services.positions.domain.holding import Holding, earned
from services.positions.domain.instrument import Instrument
from services.positions.domain.levels import Standing
from services.positions.domain.life import State
from services.positions.handlers.ground import Ground
from services.positions.handlers.people import People
from services.positions.ports import Drawn, View

LARGEST_PAGE = 50
LAST_PAGE = 1_000_000
"""Whoever asks for a later one is not reading."""
USUAL_DIGITS = 2


class Answers:
    """Answers status, history, why and chart."""

    def __init__(self, ground: Ground, people: People, standing: Callable[[str, str], Standing | None]) -> None:
        """Answer by the store; `standing` knows of a symbol's position where its stop is this moment, if we follow."""
        self._ground = ground
        self._people = people
        self._standing = standing

    async def status(self, request: asks.GetStatus) -> asks.Status:
        """Tell what a subscriber holds, at the price it could be closed at now. A feed never heard of is stale."""
        instrument = self._instrument(request.symbol)
        async with self._ground.store.view(request.subscriber_id) as view:
            person = await self._people.required(view, request.subscriber_id)
            holding = await view.answers.live(person.subscriber_id, request.symbol)
        now = None if holding is None else self._standing(request.symbol, holding.position_id)
        if holding is not None and now is not None:
            holding = replace(holding, stop=now.stop, stop_reason=now.reason)
        price, feed = self._ground.market.price(request.symbol), self._ground.market.feed(request.symbol)
        live_price = price if feed is FeedState.LIVE else None
        return asks.Status(
            position=None if holding is None else _shown(holding, instrument, live_price),
            auto=person.auto,
            feed=feed or FeedState.STALE,
            feed_since_ms=self._ground.market.feed_since_ms(request.symbol),
            bid=None if price is None else price.bid,
            ask=None if price is None else price.ask,
            market_ms=None if price is None else price.epoch_ms,
            digits=instrument.digits,
        )

    async def history(self, request: asks.GetHistory) -> asks.History:
        """Tell a page of closed trades and the totals; a page behind the last one is the last one."""
        size = max(1, min(request.page_size, LARGEST_PAGE))
        asked = max(0, min(request.page, LAST_PAGE))
        async with self._ground.store.view(request.subscriber_id) as view:
            person = await self._people.required(view, request.subscriber_id)
            page = await view.answers.history(person.subscriber_id, offset=asked * size, limit=size)
            last = max(0, (page.total - 1) // size)
            if asked > last:
                page = await view.answers.history(person.subscriber_id, offset=last * size, limit=size)
        instrument = self._ground.instruments.get(page.trades[0].symbol) if page.trades else None
        return asks.History(
            trades=page.trades,
            page=min(asked, last),
            pages=last + 1,
            total=page.total,
            wins=page.wins,
            losses=page.losses,
            pnl=page.pnl,
            digits=instrument.digits if instrument else USUAL_DIGITS,
        )

    async def why(self, request: asks.GetWhy) -> asks.Why:
        """Tell why the last signal was given or refused, whichever came later. While a position lives, its signal:
        that others were refused because of it is no news.
        """
        async with self._ground.store.view(request.subscriber_id) as view:
            person = await self._people.required(view, request.subscriber_id)
            story = await view.answers.story(person.subscriber_id, request.position_id)
            refusal = await view.answers.refusal(person.subscriber_id) if request.position_id is None else None
        if request.position_id is not None and story is None:
            raise AskFailedError("not_found", "no such position")
        if story is not None and (refusal is None or story.is_live or story.told_at >= refusal.refused_at):
            return asks.Why(reasons=story.reasons, refusals=(), signal_at=story.told_at)
        if refusal is not None:
            return asks.Why(reasons=(), refusals=refusal.reasons, signal_at=refusal.refused_at)
        return asks.Why(reasons=(), refusals=(), signal_at=None)

    async def request_chart(self, request: asks.RequestChart) -> asks.ChartRequested:
        """Have a chart drawn: of one position, else of the live one, else of the market alone.

        Raises:
            AskFailedError: `not_found` for a position that is not the asker's; `no_price` before the first price.
        """
        self._instrument(request.symbol)
        async with self._ground.store.view(request.subscriber_id) as view:
            person = await self._people.required(view, request.subscriber_id)
            drawn = await self._find_drawn(view, request)
        symbol = drawn.holding.symbol if drawn else request.symbol
        interval = drawn.interval if drawn else Interval.M1
        picture = Picture(
            symbol=symbol,
            interval=interval,
            until_s=self._until_s(symbol, interval, drawn),
            language=person.language,
            time_zone=person.time_zone,
            levels=_levels(drawn) if drawn else None,
        )
        drawing = wish(picture, at=self._ground.clock.now(), trace=new_trace())
        await self._ground.bus.publish(catalogue.CHART, drawing, drawing.key)
        return asks.ChartRequested(chart_key=drawing.key)

    async def _find_drawn(self, view: View, request: asks.RequestChart) -> Drawn | None:
        if request.position_id is None:
            return await view.answers.live_drawn(request.subscriber_id, request.symbol)
        drawn = await view.answers.drawn(request.subscriber_id, request.position_id)
        if drawn is None:
            raise AskFailedError("not_found", "no such position")
        return drawn

    def _until_s(self, symbol: str, interval: Interval, drawn: Drawn | None) -> int:
        """Tell the last candle to show: up to now, or up to the end of a closed position."""
        if drawn is not None and drawn.closed_ms is not None:
            return drawn.closed_ms // 1000 // interval.seconds * interval.seconds
        price = self._ground.market.price(symbol)
        if price is None:
            raise AskFailedError("no_price", f"no price of {symbol} is known yet")
        return last_closed_s(price.epoch_ms, interval)

    def _instrument(self, symbol: str) -> Instrument:
        instrument = self._ground.instruments.get(symbol)
        if instrument is None:
            raise AskFailedError("unknown_symbol", f"{symbol} is not followed here")
        return instrument


def _shown(holding: Holding, instrument: Instrument, price: Price | None) -> asks.OpenPosition:
    """Show a position at the price it could be closed at; None where no live price is known."""
    now = None if price is None else price.closing(holding.side)
    rest = None if now is None else earned(holding, instrument, now, holding.share_left)
    return asks.OpenPosition(
        position_id=holding.position_id,
        short_id=ids.short_id(holding.position_id),
        symbol=holding.symbol,
        side=holding.side,
        mode=holding.mode,
        entry=holding.entry,
        stop=holding.stop,
        targets=holding.targets,
        lots=holding.lots,
        opened_ms=holding.quote_ms,
        is_open=holding.state is State.OPEN,
        price=now,
        pnl=None if rest is None else holding.realised + rest[0],
        r=None if rest is None else round(holding.realised_r + rest[1], 4),
        plan=str(holding.plan),
        stop_reason=holding.stop_reason,
        targets_reached=len(holding.legs),
        realised=holding.realised,
    )


def _levels(drawn: Drawn) -> ChartLevels:
    holding = drawn.holding
    return ChartLevels(
        side=holding.side,
        entry=holding.entry,
        stop=holding.stop,
        targets=holding.targets,
        mode=holding.mode,
        rr=drawn.rr,
        strength=drawn.strength,
        score=drawn.score,
    )
