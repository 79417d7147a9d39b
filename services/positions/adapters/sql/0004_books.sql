-- What is over for long lies apart, as it ended, with its events. `person` is a keyed hash in place of an erased owner.
create table position_archive (
    id text primary key,
    subscriber_id bigint references subscriber,
    person text,
    signal_id text not null references signal,
    symbol text not null,
    side text not null check (side in ('BUY', 'SELL')),
    mode text not null check (mode in ('auto', 'manual')),
    plan text not null,
    entry double precision not null,
    initial_stop double precision not null,
    stop double precision not null,
    stop_reason text not null,
    targets double precision[] not null,
    legs jsonb not null,
    lots numeric(6, 2) not null,
    quote_ms bigint not null,
    proposed_at timestamptz not null,
    opened_at timestamptz,
    closed_at timestamptz not null,
    delivery_state text,
    exit_reason text not null,
    exit_level double precision not null,
    exit_price double precision not null,
    slippage_pips double precision,
    closed_ms bigint not null,
    detected_late boolean not null,
    pnl numeric(14, 2) not null,
    r double precision not null,
    events jsonb not null,
    archived_at timestamptz not null default now(),
    check ((subscriber_id is null) <> (person is null))
);
create index position_archive_of on position_archive (subscriber_id, closed_ms desc) where subscriber_id is not null;
create index position_archive_signal on position_archive (signal_id);
create index position_ended on position (closed_at) where state in ('closed', 'void');

-- Every trade that counts, wherever it lies. History, statistics and export read this and nothing else.
create view trade with (security_invoker = true) as
    select id, subscriber_id, null::text as person, signal_id, symbol, side, mode, entry, initial_stop, targets, lots,
        quote_ms as opened_ms, closed_ms, closed_at, exit_reason, exit_price, slippage_pips, pnl, r
    from position where state = 'closed'
    union all
    select id, subscriber_id, person, signal_id, symbol, side, mode, entry, initial_stop, targets, lots,
        quote_ms, closed_ms, closed_at, exit_reason, exit_price, slippage_pips, pnl, r
    from position_archive;
