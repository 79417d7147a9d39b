-- Prices are double precision, rounded to the instrument's digits; money is numeric. *_ms is market time (UTC), *_at wall time.

create table subscriber (
    id bigint primary key,
    chat_id bigint not null,
    name text not null check (length(name) <= 200),
    language text not null check (language in ('id', 'en')),
    time_zone text not null check (length(time_zone) between 1 and 64),
    auto boolean not null default false,
    lots numeric(6, 2) not null default 0.01 check (lots between 0.01 and 1.00),
    active boolean not null default true,
    inactive_reason text,
    registered_at timestamptz not null default now(),
    changed_at timestamptz not null default now()
);
create index subscriber_auto on subscriber (id) where auto and active;

create table signal (
    id text primary key,
    symbol text not null,
    strategy text not null,
    strategy_version text not null,
    interval text not null,
    mode text not null check (mode in ('auto', 'manual')),
    side text not null check (side in ('BUY', 'SELL')),
    entry double precision not null check (entry > 0),
    stop double precision not null check (stop > 0),
    targets double precision[] not null check (cardinality(targets) > 0),
    rr double precision not null,
    strength double precision not null check (strength between 0 and 1),
    score integer,
    reasons text[] not null,
    candle_open_s bigint not null,
    quote_ms bigint not null,
    raised_at timestamptz not null
);

create table position (
    id text primary key,
    subscriber_id bigint not null references subscriber,
    signal_id text not null references signal,
    symbol text not null,
    side text not null check (side in ('BUY', 'SELL')),
    mode text not null check (mode in ('auto', 'manual')),
    state text not null check (state in ('proposed', 'parked', 'open', 'closed', 'void')),
    entry double precision not null check (entry > 0),
    initial_stop double precision not null,
    stop double precision not null check (stop > 0),
    targets double precision[] not null check (cardinality(targets) > 0),
    lots numeric(6, 2) not null check (lots between 0.01 and 1.00),
    quote_ms bigint not null,
    in_force_ms bigint not null, -- only ticks later than this can cross the levels as they are now
    version integer not null default 1,
    proposed_at timestamptz not null,
    expires_at timestamptz not null,
    opened_at timestamptz,
    closed_at timestamptz,
    delivery_state text check (delivery_state in ('delivered', 'void', 'dead', 'unknown', 'expired')),
    void_reason text,
    exit_reason text,
    exit_level double precision,
    exit_price double precision,
    slippage_pips double precision check (slippage_pips >= 0),
    closed_ms bigint,
    detected_late boolean not null default false,
    pnl numeric(14, 2),
    r double precision,
    check (side = 'BUY' and initial_stop < entry and targets[1] > entry
        or side = 'SELL' and initial_stop > entry and targets[1] < entry),
    check (state not in ('parked', 'closed')
        or exit_reason is not null and exit_level is not null and exit_price is not null and closed_ms is not null),
    check ((state = 'closed') = (pnl is not null and r is not null)),
    check ((state = 'void') = (void_reason is not null))
);
-- One trade at a time per subscriber and symbol: the database says so, whoever asks.
create unique index position_one_live on position (subscriber_id, symbol)
    where state in ('proposed', 'parked', 'open');
create index position_followed on position (symbol, signal_id) where state in ('proposed', 'open');
create index position_given on position (subscriber_id, symbol, quote_ms) where state <> 'void';
create index position_closed on position (subscriber_id, closed_ms desc) where state = 'closed';

create table position_event (
    position_id text not null references position,
    version integer not null,
    event text not null,
    at timestamptz not null,
    market_ms bigint,
    primary key (position_id, version)
);

-- The last signal that each subscriber was not given, for /why.
create table refusal (
    subscriber_id bigint not null references subscriber,
    symbol text not null,
    signal_id text,
    mode text not null check (mode in ('auto', 'manual')),
    reasons text[] not null check (cardinality(reasons) > 0),
    market_ms bigint,
    refused_at timestamptz not null,
    primary key (subscriber_id, symbol)
);

-- How far the ticks of a symbol were followed. A restart reads again from `rewind_*`; `tenure` fences an owner that
-- lost its lease and does not know it yet.
create table progress (
    symbol text primary key,
    tenure bigint not null default 0,
    sequence bigint not null default 0,
    epoch_ms bigint not null default 0,
    rewind_sequence bigint not null default 0,
    rewind_epoch_ms bigint not null default 0,
    saved_at timestamptz not null default now()
);
